import { canonicalLabels } from '../../cluster/identity.js';
import type { PolicyPod } from '../endpoint/pods-and-nodes.js';
import { type ManifestService, targetPort } from '../manifests/kubernetes.js';
import { isBackend, type SelectingService } from '../preview/services.js';
import { hasPorts, protocolName } from '../../net/protocol.js';
import type { ObservedEndpoint, ObservedFlow } from './observed.js';

/** What is known about the services that flows went to, and about pods that may be their backends. */
export interface ServiceContext {
  /** Versions of the service by `namespace/name`, the oldest first. */
  readonly versions: ReadonlyMap<string, readonly ServiceVersion[]>;
  /** The pods in the services' namespaces that occur in any flow. */
  readonly pods: readonly ObservedPod[];
  /** Whether policies deny the flow's client access to a port of a pod. */
  readonly denies: (flow: ObservedFlow, pod: ObservedPod, port: number) => boolean;
}

/** A service as it was from a certain time on. */
export interface ServiceVersion {
  /** In ms since 1970. */
  readonly sinceMs: number;
  readonly service: ManifestService;
}

/** Pods that flows do not distinguish. */
export interface ObservedPod {
  /** With the workload's name. */
  readonly endpoint: ObservedEndpoint;
  /** The properties that policies depend on. */
  readonly pod: PolicyPod;
}

/** Without any known service. */
export const NO_SERVICES: ServiceContext = { versions: new Map(), pods: [], denies: () => false };

/**
 * Translates a flow to a service address into flows to the backends that the service selected at the flow's time: one for
 * each kind of pod and port. A string is the reason why that is not possible.
 */
export function flowsToBackends(flow: ObservedFlow, known: ServiceContext): readonly ObservedFlow[] | string {
  const { dst, traffic } = flow;
  if (dst.namespace === '') return 'you may not see the service at the other end';
  const name = `${dst.namespace}/${dst.name}`;
  const versions = versionsDuring(known.versions.get(name) ?? [], traffic.firstMs, traffic.lastMs);
  if (versions.length === 0) return `the service ${name} is unknown`;
  const found = versions.flatMap((service) => flowsToBackendsOf(flow, service, known));
  const flows = found.filter((one) => typeof one !== 'string');
  const reasons = found.filter((one) => typeof one === 'string');
  return flows.length > 0 ? flows : [...new Set(reasons)].sort().join('; ');
}

/** Like {@link flowsToBackends}, for one version of the service. */
function flowsToBackendsOf(
  flow: ObservedFlow,
  service: ManifestService,
  known: ServiceContext,
): (ObservedFlow | string)[] {
  const { protocol, port } = flow;
  const { namespace, selector, ports } = service;
  const name = `${namespace}/${service.name}`;
  if (!selector) return [`the service ${name} selects no pods: no rule can select its backends`];
  const servicePort = ports.find((one) => one.protocol === protocol && one.port === port);
  if (!servicePort) {
    const requested = hasPorts(protocol) ? `${protocolName(protocol)} port ${port}` : protocolName(protocol);
    return [`the service ${name} does not serve ${requested}`];
  }
  const seen = backendPods(service, selector, known);
  const pods = seen.length > 0 ? seen : [unobservedPods(namespace, service.name, selector)];
  return pods.map((pod) => {
    const target = targetPort(servicePort, pod.pod);
    if (target === undefined) {
      return `no known backend of the service ${name} has a port named ${servicePort.targetPort}`;
    }
    if (!flow.allowed && known.denies(flow, pod, target)) {
      return `policies deny them at backends of the service ${name}`;
    }
    return { ...flow, dst: pod.endpoint, port: target, service: { name, unseen: seen.length === 0 } };
  });
}

/** The backends of each version of a service, cached for further flows to it. */
const BACKEND_PODS = new WeakMap<ServiceContext, Map<ManifestService, readonly ObservedPod[]>>();

function backendPods(
  service: ManifestService,
  selector: SelectingService['selector'],
  known: ServiceContext,
): readonly ObservedPod[] {
  const found = BACKEND_PODS.get(known) ?? new Map<ManifestService, readonly ObservedPod[]>();
  BACKEND_PODS.set(known, found);
  const pods = found.get(service) ?? known.pods.filter(({ pod }) => isBackend({ ...service, selector }, pod));
  found.set(service, pods);
  return pods;
}

/** The versions of a service that were valid at any time between two times. The oldest also represents earlier times. */
function versionsDuring(
  versions: readonly ServiceVersion[],
  firstMs: number,
  lastMs: number,
): ManifestService[] {
  return versions
    .filter(({ sinceMs }, index) => {
      const until = versions[index + 1]?.sinceMs ?? Infinity;
      return (index === 0 || sinceMs <= lastMs) && until > firstMs;
    })
    .map(({ service }) => service);
}

/** A placeholder for the pods that a service selects if none was seen. Workload names contain no slash. */
function unobservedPods(
  namespace: string,
  service: string,
  selector: Readonly<Record<string, string>>,
): ObservedPod {
  const labels = canonicalLabels(selector);
  return {
    endpoint: { kind: 'pod', namespace, name: `service/${service}`, labels, address: '::' },
    pod: { namespace, labels: selector, serviceAccount: '', ports: [] },
  };
}
