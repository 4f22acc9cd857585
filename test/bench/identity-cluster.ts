/** The cluster of the identity benchmark, shared by server and enricher. */
export const PODS = 50_000;
export const NODES = 500;
/** Pods of a workload. */
export const REPLICAS = 8;
export const WORKLOADS = PODS / REPLICAS;
/** Each leads to one workload. */
export const SERVICES = 5_000;
export const START = Date.parse('2026-01-01T00:00:00Z');

/** The address of the pod with this index. */
export function addressOf(pod: number): string {
  return `10.${pod >> 16}.${(pod >> 8) & 255}.${pod & 255}`;
}

/** The namespace of the workload with this index. */
export function namespaceOf(workload: number): string {
  return `namespace-${workload % 100}`;
}
