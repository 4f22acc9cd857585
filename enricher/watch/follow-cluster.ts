import { setMaxListeners } from 'node:events';
import { setInterval } from 'node:timers';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from '@sonde/backbone/logging';
import type { Cluster, ClusterProblem } from '@sonde/model/cluster/cluster';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { connectApiServer } from './api-server.js';
import { Credentials } from './credentials.js';
import { followManifests } from './follow-manifests.js';
import { followResource, type ObjectSink, type WatchCounts } from './follow-resource.js';
import { WATCHED_RESOURCES } from './resources.js';
import { unsupportedPolicyKind } from './unsupported-policies.js';

/** Keeps what the enricher attaches to flows up to date with the objects of a cluster. */
export interface ClusterContext {
  readonly cluster: Pick<Cluster, 'forget'>;
  /** Applies a new or changed object as it was at `atMs`; returns which parts of it cannot be used. */
  apply(object: KubernetesObject, atMs: number): readonly ClusterProblem[];
  /** Removes an object that was gone by `atMs`. */
  remove(object: KubernetesObject, atMs: number): void;
}

export interface FollowClusterOptions {
  readonly context: ClusterContext;
  /**
   * Gives what leads to the cluster's API server, again when the server refuses it; without it manifests alone say
   * what there is.
   */
  readonly kubeConfig?: (() => KubeConfig) | undefined;
  /** Files and folders of manifests. */
  readonly manifests: readonly string[];
  readonly log: Logger;
  readonly signal: AbortSignal;
  /**
   * Hears of every object after the context took it in or out, reduced to what Sonde looks at; policies and what they
   * look at say by `managedFields` who changed them when. What is there at the start comes before `ready`, and may
   * come again. It must not throw.
   */
  readonly observer?: ObjectSink | undefined;
  /** How long what is gone is still known, in ms. */
  readonly horizonMs?: number;
  /** How long to wait before a kind that the cluster does not have is looked for again, in ms. */
  readonly absentMs?: number;
  /** The time in ms; injected by tests. */
  readonly now?: () => number;
}

/** A cluster that is followed. */
export interface FollowedCluster {
  readonly counts: WatchCounts;
  /** Resolves once everything was read a first time. */
  readonly ready: Promise<void>;
  /** Resolves when following has ended, after the signal. */
  readonly ended: Promise<void>;
}

const HORIZON_MS = 3_600_000;
const FORGET_EVERY_MS = 30_000;

/** Keeps a context up with a cluster, as its API server or manifests or both tell of it, until the signal. */
export function followCluster(options: FollowClusterOptions): FollowedCluster {
  const { context, kubeConfig, manifests, log, signal, observer } = options;
  const { horizonMs = HORIZON_MS, now = Date.now } = options;
  const credentials = kubeConfig && new Credentials(kubeConfig);
  // Every kind waits for the one signal.
  setMaxListeners(0, signal);
  const counts: WatchCounts = { objects: 0, lists: 0, failures: 0 };
  const reported = new Set<string>();
  const sink: ObjectSink = {
    apply(object, atMs) {
      const unsupported = unsupportedPolicyKind(object);
      if (unsupported !== undefined && !reported.has(unsupported)) {
        reported.add(unsupported);
        log.warn(
          { kind: unsupported },
          'policies of this kind are not evaluated; verdicts of flows are unknown',
        );
      }
      for (const problem of context.apply(object, atMs)) {
        log.warn(problem, 'ignored part of an object');
      }
      observer?.apply(object, atMs);
    },
    remove(object, atMs) {
      context.remove(object, atMs);
      observer?.remove(object, atMs);
    },
  };
  const forgetting = setInterval(() => context.cluster.forget(now() - horizonMs), FORGET_EVERY_MS);
  forgetting.unref();

  const reads: Promise<void>[] = [];
  const followers: Promise<void>[] = [];
  if (manifests.length > 0) {
    const { read, ended } = followManifests(manifests, { sink, log, signal });
    reads.push(read);
    followers.push(ended);
  }
  if (credentials) {
    const servers = {
      objects: connectApiServer(credentials),
      metadata: connectApiServer(credentials, 'metadata'),
    };
    for (const resource of WATCHED_RESOURCES) {
      const { promise, resolve } = settling();
      reads.push(promise);
      const follower = followResource(resource, {
        ...{ server: servers[resource.needs], sink, log, signal, counts, now },
        onRead: resolve,
        ...(options.absentMs === undefined ? {} : { absentMs: options.absentMs }),
      });
      followers.push(follower.finally(resolve));
    }
  }
  const ended = Promise.all(followers).then(() => clearInterval(forgetting));
  // What made the first reading fail is told by `ready`.
  ended.catch(() => undefined);
  return { counts, ready: Promise.all(reads).then(() => undefined), ended };
}

function settling(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}
