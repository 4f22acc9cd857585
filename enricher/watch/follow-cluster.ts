import { setMaxListeners } from 'node:events';
import { clearInterval, setInterval } from 'node:timers';
import type { Logger } from '@sonde/backbone/logging';
import type { Cluster, ClusterProblem } from '@sonde/model/cluster/cluster';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { connectApiServer } from './api-server.js';
import type { KubeConfigSource } from '@sonde/backbone/kubernetes/kube-config';
import { Credentials } from '@sonde/backbone/kubernetes/credentials';
import { Discovery } from './discovery.js';
import { followManifests } from './follow-manifests.js';
import { followResource, type WatchCounts, type WatchIntervals } from './follow-resource.js';
import type { ObjectSink } from './known-objects.js';
import { affectsVerdicts, kindName, WATCHED_RESOURCES } from './resources.js';
import { unsupportedPolicyKind } from './unsupported-policies.js';
import { type KindStatus, WatchStatus } from './watch-status.js';

/** The context of flows that the objects of a cluster are applied to. */
export interface ClusterContext {
  readonly cluster: Pick<Cluster, 'forget'>;
  /** Adds or replaces an object as it was at `atMs`; returns the parts of it that cannot be used. */
  apply(object: KubernetesObject, atMs: number): readonly ClusterProblem[];
  /** Removes an object that was gone by `atMs`. */
  remove(object: KubernetesObject, atMs: number): void;
  /** Sets whether the objects of a kind that affects verdicts are known, for example `namespaces`. */
  setKindRead(kind: string, isRead: boolean): void;
}

export interface FollowClusterOptions {
  readonly context: ClusterContext;
  /** How to connect to the API server; without it, only manifests are followed. */
  readonly kubeConfig?: KubeConfigSource | undefined;
  /** Files and folders of manifests. */
  readonly manifests: readonly string[];
  readonly log: Logger;
  readonly signal: AbortSignal;
  /**
   * Called for every object after the context was, with the fields that Sonde uses; `managedFields` of policies and of
   * what they depend on tell who changed them when. Objects that exist at the start come before `ready`, and may
   * come again. It must not throw.
   */
  readonly observer?: ObjectSink | undefined;
  /** How long deleted objects stay known, in ms. */
  readonly horizonMs?: number;
  readonly intervals?: Partial<WatchIntervals>;
  /** The time in ms; injected by tests. */
  readonly now?: () => number;
}

/** A cluster that is followed. */
export interface FollowedCluster {
  readonly counts: WatchCounts;
  /** Resolves once every kind was listed, or is known to be absent. Rejects if manifests cannot be read. */
  readonly ready: Promise<void>;
  /** The status of each kind by name, for example of `networkpolicies.networking.k8s.io`. */
  readonly kinds: ReadonlyMap<string, KindStatus>;
  /** Why kinds are not followed; undefined if all are. */
  readonly problem: string | undefined;
  /** Resolves when following has ended, after the signal. */
  readonly ended: Promise<void>;
}

const HORIZON_MS = 3_600_000;
const FORGET_EVERY_MS = 30_000;
const INTERVALS: WatchIntervals = { discoveryMs: 60_000, relistMs: 1_800_000 };

/** Keeps a context up to date with a cluster, by its API server or manifests or both, until the signal. */
export function followCluster(options: FollowClusterOptions): FollowedCluster {
  const { context, kubeConfig, manifests, log, signal, observer } = options;
  const { horizonMs = HORIZON_MS, now = Date.now } = options;
  // Every kind listens to the signal.
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
  const status = new WatchStatus(kubeConfig ? WATCHED_RESOURCES : [], {
    log,
    now,
    onReadChanged(resource, isRead) {
      if (affectsVerdicts(resource)) context.setKindRead(kindName(resource), isRead);
    },
  });
  if (kubeConfig) {
    const credentials = new Credentials(kubeConfig);
    const servers = {
      objects: connectApiServer(credentials),
      metadata: connectApiServer(credentials, 'metadata'),
    };
    const discovery = new Discovery(servers.objects, signal);
    for (const resource of WATCHED_RESOURCES) {
      const { promise, resolve } = settling();
      reads.push(promise);
      const follower = followResource(resource, {
        ...{ server: servers[resource.needs], sink, status, signal, counts, now },
        versionOf: (watched) => discovery.versionOf(watched),
        intervals: { ...INTERVALS, ...options.intervals },
        onRead: resolve,
      });
      followers.push(follower.finally(resolve));
    }
  }
  const ended = Promise.all(followers).then(() => clearInterval(forgetting));
  // A failure of the first reading is reported by `ready`.
  ended.catch(() => undefined);
  return {
    counts,
    ready: Promise.all(reads).then(() => undefined),
    get kinds() {
      return status.kinds;
    },
    get problem() {
      return status.problem;
    },
    ended,
  };
}

function settling(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}
