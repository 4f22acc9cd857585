import type { EndpointPort } from '../resources/endpoints.js';

/**
 * The cluster, reduced to what policies look at. It can be filled from manifests as well as from a live watch;
 * who held which address when is not its concern, so pods are given only where an endpoint is identified.
 */
export interface PolicyPod {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  /** The container ports that have names. */
  readonly ports: readonly EndpointPort[];
  /** What it serves of services, where that is told of the pod; other services are told their endpoints' addresses. */
  readonly servicePorts?: readonly ServedPort[];
}

/** A port of a pod that stands behind a service. */
export interface ServedPort {
  /** `namespace/name` of the service. */
  readonly service: string;
  readonly protocol: number;
  readonly port: number;
}

export interface PolicyNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** 16 bytes each. */
  readonly addresses: readonly Uint8Array[];
}
