import { canonicalLabels } from '../../cluster/identity.js';
import type { PolicyPod } from '../endpoint/pods-and-nodes.js';
import type { ManifestService } from '../manifests/kubernetes.js';
import { isBehind, type SelectingService, targetPort } from '../preview/services.js';
import { hasPorts, protocolName } from '../../net/protocol.js';
import type { ObservedEnd, ObservedFlow } from './observed.js';

/** What is known of services that flows went to the addresses of, and of pods that may stand behind them. */
export interface KnownServices {
  /** By `namespace/name`: how the service became in the course of time, the oldest first. */
  readonly versions: ReadonlyMap<string, readonly ServiceVersion[]>;
  /** The pods in the services' namespaces that any flow told of. */
  readonly pods: readonly SeenPod[];
  /** Whether policies keep a flow's client from a port of a pod. */
  readonly denies: (flow: ObservedFlow, pod: SeenPod, port: number) => boolean;
}

/** A service as it was from a time on. */
export interface ServiceVersion {
  /** In ms since 1970. */
  readonly sinceMs: number;
  readonly service: ManifestService;
}

/** Pods that flows do not tell apart. */
export interface SeenPod {
  /** With the workload's name. */
  readonly end: ObservedEnd;
  /** What policies look at in it. */
  readonly pod: PolicyPod;
}

/** Nothing is known of any service. */
export const NO_SERVICES: KnownServices = { versions: new Map(), pods: [], denies: () => false };

/**
 * Flows as they would have been at the pods behind the service whose address a flow went to, as the service selected
 * them at the flow's time: one for each kind of pod and port. A text says why that is not known.
 */
export function behindService(flow: ObservedFlow, known: KnownServices): readonly ObservedFlow[] | string {
  const { dst, traffic } = flow;
  if (dst.namespace === '') return 'the service at the other end may not be seen';
  const name = `${dst.namespace}/${dst.name}`;
  const versions = heldDuring(known.versions.get(name) ?? [], traffic.firstMs, traffic.lastMs);
  if (versions.length === 0) return `nothing is known of the service ${name}`;
  const found = versions.flatMap((service) => behindVersion(flow, service, known));
  const flows = found.filter((one) => typeof one !== 'string');
  const reasons = found.filter((one) => typeof one === 'string');
  return flows.length > 0 ? flows : [...new Set(reasons)].sort().join('; ');
}

/** What {@link behindService} says of one version of the service: of each kind of pod the flow, or why there is none. */
function behindVersion(
  flow: ObservedFlow,
  service: ManifestService,
  known: KnownServices,
): (ObservedFlow | string)[] {
  const { protocol, port } = flow;
  const { namespace, selector, ports } = service;
  const name = `${namespace}/${service.name}`;
  if (!selector) return [`the service ${name} selects no pods: no rule can name who stands behind it`];
  const servicePort = ports.find((one) => one.protocol === protocol && one.port === port);
  if (!servicePort) {
    const asked = hasPorts(protocol) ? `${protocolName(protocol)} port ${port}` : protocolName(protocol);
    return [`the service ${name} does not serve ${asked}`];
  }
  const seen = podsBehind(service, selector, known);
  const pods = seen.length > 0 ? seen : [selectedBy(namespace, service.name, selector)];
  return pods.map((pod) => {
    const target = targetPort(servicePort, pod.pod);
    if (target === undefined) {
      return `no pod behind the service ${name} is known to name a port ${servicePort.targetPort}`;
    }
    if (!flow.allowed && known.denies(flow, pod, target)) {
      return `policies deny them at pods behind the service ${name}`;
    }
    return { ...flow, dst: pod.end, port: target, service: { name, unseen: seen.length === 0 } };
  });
}

/** What was found of each version of a service, for flows that went to the same one. */
const BEHIND = new WeakMap<KnownServices, Map<ManifestService, readonly SeenPod[]>>();

function podsBehind(
  service: ManifestService,
  selector: SelectingService['selector'],
  known: KnownServices,
): readonly SeenPod[] {
  const found = BEHIND.get(known) ?? new Map<ManifestService, readonly SeenPod[]>();
  BEHIND.set(known, found);
  const pods = found.get(service) ?? known.pods.filter(({ pod }) => isBehind({ ...service, selector }, pod));
  found.set(service, pods);
  return pods;
}

/** The versions of a service that held at any time between two. The oldest stands for all that was before it. */
function heldDuring(versions: readonly ServiceVersion[], firstMs: number, lastMs: number): ManifestService[] {
  return versions
    .filter(({ sinceMs }, index) => {
      const until = versions[index + 1]?.sinceMs ?? Infinity;
      return (index === 0 || sinceMs <= lastMs) && until > firstMs;
    })
    .map(({ service }) => service);
}

/** Stands for the pods that a service selects where none was seen. No workload's name has a slash. */
function selectedBy(namespace: string, service: string, selector: Readonly<Record<string, string>>): SeenPod {
  const labels = canonicalLabels(selector);
  return {
    end: { kind: 'pod', namespace, name: `service/${service}`, labels, address: '::' },
    pod: { namespace, labels: selector, serviceAccount: '', ports: [] },
  };
}
