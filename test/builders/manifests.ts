import { parseAddress } from '@sonde/model/net/address';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { readManifestCluster } from '@sonde/model/policy/manifests/cluster';
import { evaluateNamed, type ConnectionReport } from '@sonde/model/policy/manifests/connection';

/** Options of a pod manifest. */
export interface PodOptions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly ips?: readonly string[];
  readonly ports?: readonly {
    readonly name: string;
    readonly containerPort: number;
    readonly protocol?: string;
  }[];
  readonly serviceAccount?: string;
  readonly hostNetwork?: boolean;
  readonly node?: string;
  readonly phase?: string;
  /** RFC 3339. */
  readonly startTime?: string;
}

/** A pod's manifest. */
export interface PodManifest extends KubernetesObject {
  readonly spec: object;
  readonly status: object;
}

export function namespace(name: string, labels: Readonly<Record<string, string>> = {}): KubernetesObject {
  return manifest('v1', 'Namespace', name, {}, labels);
}

/** A pod, by `namespace/name`. */
export function pod(name: string, options: PodOptions): PodManifest {
  const {
    labels = {},
    ips = [],
    ports = [],
    serviceAccount,
    hostNetwork,
    node,
    phase = 'Running',
    startTime,
  } = options;
  const spec = { serviceAccountName: serviceAccount, hostNetwork, nodeName: node, containers: [{ ports }] };
  const status = { phase, startTime, podIPs: ips.map((ip) => ({ ip })) };
  return { ...manifest('v1', 'Pod', name, spec, labels), spec, status };
}

export function node(
  name: string,
  addresses: readonly string[],
  labels: Readonly<Record<string, string>> = {},
): KubernetesObject {
  const status = { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) };
  return { ...manifest('v1', 'Node', name, {}, labels), ...{ status } };
}

export function networkPolicy(name: string, spec: object): KubernetesObject {
  return manifest('networking.k8s.io/v1', 'NetworkPolicy', name, spec);
}

export function adminPolicy(name: string, spec: object): KubernetesObject {
  return manifest('policy.networking.k8s.io/v1alpha1', 'AdminNetworkPolicy', name, spec);
}

export function baselinePolicy(spec: object): KubernetesObject {
  return manifest('policy.networking.k8s.io/v1alpha1', 'BaselineAdminNetworkPolicy', 'default', spec);
}

export function clusterPolicy(name: string, spec: object): KubernetesObject {
  return manifest('policy.networking.k8s.io/v1alpha2', 'ClusterNetworkPolicy', name, spec);
}

/** A Calico resource; the name of a namespaced kind is `namespace/name`. */
export function calico(
  kind: string,
  name: string,
  spec: object,
  labels: Readonly<Record<string, string>> = {},
): KubernetesObject {
  return manifest('projectcalico.org/v3', kind, name, spec, labels);
}

export function manifest(
  apiVersion: string,
  kind: string,
  name: string,
  spec: object,
  labels: Readonly<Record<string, string>> = {},
): KubernetesObject {
  const slash = name.indexOf('/');
  const metadata =
    slash < 0 ? { name, labels } : { namespace: name.slice(0, slash), name: name.slice(slash + 1), labels };
  return { apiVersion, kind, metadata, ...{ spec } };
}

/** Evaluates the policies among the objects for a connection. @throws Error if an object is invalid. */
export function evaluated(
  objects: readonly KubernetesObject[],
  connection: object,
  dns?: Readonly<Record<string, readonly string[]>>,
): ConnectionReport {
  const answers =
    dns && new Map(Object.entries(dns).map(([name, addresses]) => [name, addresses.map(parseAddress)]));
  const { cluster, problems } = readManifestCluster(objects, answers);
  const [problem] = problems;
  if (problem) throw new Error(`object ${problem.object}: ${problem.field} ${problem.reason}`);
  return evaluateNamed(cluster, connection);
}

/** A TCP connection. */
export function tcp(from: string, to: string, port: number | string): object {
  return { from, to, protocol: 'TCP', port };
}
