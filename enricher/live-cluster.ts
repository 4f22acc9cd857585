import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@sonde/backbone/logging';
import { LiveContext } from './pipeline/context.js';
import { PolicyHistory } from './policy/policy-history.js';
import { followCluster, type FollowedCluster } from './watch/follow-cluster.js';
import { type KubeConfigChoice, kubeConfigSource } from '@sonde/backbone/kubernetes/kube-config';

/** Where the objects of a cluster come from. */
export interface ClusterChoice {
  readonly name: string;
  /** Files and folders of Kubernetes manifests. */
  readonly manifests: readonly string[];
  /** The API server to watch; without it, only the manifests describe the cluster. */
  readonly kubeConfig?: KubeConfigChoice | undefined;
  /** How long deleted objects stay known, in ms; one hour if absent. */
  readonly identityRetentionMs?: number;
  /** Whether flows of a node are collected; those of every node if absent. */
  readonly isMonitored?: (node: string) => boolean;
}

/** A cluster whose context and policy history are kept up to date. */
export interface LiveCluster {
  readonly context: LiveContext;
  readonly history: PolicyHistory;
  readonly watch: FollowedCluster;
  /** Whether an API server reports changes, so that a new pod may be reported after its first flows. */
  readonly hasApiServer: boolean;
}

/** Watches a cluster until the signal. */
export function watchCluster(choice: ClusterChoice, log: Logger, signal: AbortSignal): LiveCluster {
  const { name, manifests, kubeConfig, identityRetentionMs, isMonitored } = choice;
  const context = new LiveContext(isMonitored);
  const history = new PolicyHistory(name);
  const watch = followCluster({
    ...{ context, manifests, log: log.child({ cluster: name }), signal, observer: history },
    ...(identityRetentionMs !== undefined && { horizonMs: identityRetentionMs }),
    kubeConfig: kubeConfig && kubeConfigSource(kubeConfig),
  });
  return { context, history, watch, hasApiServer: kubeConfig !== undefined };
}

/** The status of watched kinds with times as text, for `/readyz`. */
export function describeKinds(kinds: FollowedCluster['kinds']): Readonly<Record<string, object>> {
  return Object.fromEntries(
    [...kinds].map(([kind, { sinceMs, ...status }]) => [
      kind,
      { ...status, since: new Date(sinceMs).toISOString() },
    ]),
  );
}

/** How long flows wait at the start until the clusters are read. */
const MAX_INITIAL_READ_MS = 30_000;

/** Waits until every cluster was read once, but not forever: flows must not be lost because names are missing. */
export async function initialRead(clusters: Iterable<LiveCluster>, log: Logger): Promise<void> {
  const timeout = new AbortController();
  const late = delay(MAX_INITIAL_READ_MS, 'late', { signal: timeout.signal }).catch(() => 'aborted');
  const ready = Promise.all([...clusters].map(({ watch }) => watch.ready));
  const first = await Promise.race([ready, late]).finally(() => timeout.abort());
  if (first === 'late') log.warn('reading a cluster timed out; its flows have no names until it is read');
}
