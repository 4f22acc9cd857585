import type { EndpointPort } from '../resources/endpoints.js';

/**
 * A pod, reduced to what policies depend on; from manifests or from a live watch. Which address a pod had when is not
 * part of it: pods are passed where an endpoint is identified.
 */
export interface PolicyPod {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  /** The container ports that have names. */
  readonly ports: readonly EndpointPort[];
  /** Service ports that the pod serves, where these are known by pod and not by endpoint address. */
  readonly servicePorts?: readonly ServedPort[];
}

/** A port of a pod that is a backend of a service. */
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
