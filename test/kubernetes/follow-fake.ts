import { createLogger, type Logger } from '@sonde/backbone/logging';
import { enrich } from '@sonde/enricher/pipeline/enrich';
import { LiveContext } from '@sonde/enricher/pipeline/context';
import { type FollowedCluster, followCluster } from '@sonde/enricher/watch/follow-cluster';
import type { WatchIntervals } from '@sonde/enricher/watch/follow-resource';
import type { ObjectSink } from '@sonde/enricher/watch/known-objects';
import { plainKubeConfig } from '@sonde/backbone/kubernetes/kube-config';
import { flowRow } from '@sonde/model/flow/records';
import { parseAddress } from '@sonde/model/net/address';
import { batchOf } from '../builders/batch.js';
import { type ObservedFlowRow, observedFlows } from '../builders/observed-flows.js';
import { BUILT_IN_PATHS, FakeApiServer } from './fake-api-server.js';

export interface FollowFakeOptions {
  readonly prepare?: (server: FakeApiServer) => void;
  readonly token?: string;
  readonly now?: () => number;
  readonly observer?: ObjectSink;
  readonly log?: Logger;
  readonly intervals?: Partial<WatchIntervals>;
}

const running: { stop: AbortController; followed: FollowedCluster; server: FakeApiServer }[] = [];

/** Stops everything that {@link followFake} started. */
export async function stopFollowing(): Promise<void> {
  for (const { stop, followed, server } of running.splice(0)) {
    stop.abort();
    await followed.ended;
    await server.stop();
  }
}

/** Follows a fake API server with the built-in kinds. */
export async function followFake({
  prepare,
  token = '',
  now = Date.now,
  observer,
  log = createLogger('test', 'silent'),
  intervals = { discoveryMs: 50 },
}: FollowFakeOptions = {}) {
  const server = new FakeApiServer(BUILT_IN_PATHS);
  await server.start();
  prepare?.(server);
  const context = new LiveContext();
  const stop = new AbortController();
  const kubeConfig = plainKubeConfig(server.url, token);
  const followed = followCluster({
    ...{ context, kubeConfig, manifests: [], log, signal: stop.signal },
    ...{ intervals, now, observer },
  });
  running.push({ stop, followed, server });
  const holder = (ip: string, timeMs: number) => {
    const { identities } = context.cluster;
    return identities.identity(identities.lookup(parseAddress(ip), 0, timeMs));
  };
  /** The enriched record of a flow. */
  const enriched = (flow: ObservedFlowRow) => {
    const batches = [{ batch: batchOf(observedFlows([flow])), partition: 0, offset: 0 }];
    return flowRow(enrich(batches, context).columns, 0);
  };
  return { server, context, followed, kubeConfig, holder, enriched };
}
