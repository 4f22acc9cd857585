import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@sonde/backbone/logging';
import { LiveContext } from '@sonde/enricher/context';
import { PolicyHistory } from '@sonde/enricher/policy-history';
import { followCluster } from '@sonde/enricher/watch/follow-cluster';
import { type KubeConfigChoice, readKubeConfig } from '@sonde/enricher/watch/kube-config';

/** A cluster to be followed. */
export interface ClusterChoice {
  readonly name: string;
  /** Files and folders of Kubernetes manifests that describe it. */
  readonly manifests: readonly string[];
  /** Its API server, which is followed; without it manifests alone say what there is. */
  readonly kubeConfig?: KubeConfigChoice | undefined;
  /** How long what is gone is still known, in ms; an hour if absent. */
  readonly horizonMs?: number;
  /** Whether a node's flows are collected too; without it every node's are. */
  readonly isMonitored?: (node: string) => boolean;
}

/** How long flows wait at the start for the cluster to be read. */
const LONGEST_READING_MS = 30_000;

/** Keeps a context and a history of policies up with a cluster; `isLive` if it is told of things as they happen. */
export function followChosenCluster(
  { name, manifests, kubeConfig, horizonMs, isMonitored }: ClusterChoice,
  log: Logger,
  signal: AbortSignal,
) {
  const context = new LiveContext(isMonitored);
  const history = new PolicyHistory(name);
  const followed = followCluster({
    ...{ context, manifests, log: log.child({ cluster: name }), signal, observer: history },
    ...(horizonMs === undefined ? {} : { horizonMs }),
    kubeConfig: kubeConfig && (() => readKubeConfig(kubeConfig)),
  });
  return { context, history, followed, isLive: kubeConfig !== undefined };
}

/** Waits until clusters were read a first time, but not for ever: flows must not be lost for want of names. */
export async function soonReady(ready: Promise<unknown>, log: Logger): Promise<void> {
  const timeout = new AbortController();
  const late = delay(LONGEST_READING_MS, 'late', { signal: timeout.signal }).catch(() => 'aborted');
  const first = await Promise.race([ready, late]).finally(() => timeout.abort());
  if (first === 'late') log.warn('a cluster was not read in time; flows go without names until it is');
}
