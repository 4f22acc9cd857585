import type { Service } from './objects.js';

/** The fields of a service that determine its addresses. */
export type ServiceAddressFields = Pick<Service, 'spec' | 'status'>;

/**
 * The addresses that nodes translate to a service's endpoints, so that policies apply to the endpoints: cluster IPs,
 * external IPs, and addresses of load balancers. With `ipMode: Proxy`, nodes do not translate the load balancer's
 * address: packets to it leave the cluster (Kubernetes API reference, LoadBalancerIngress).
 */
export function serviceAddresses({ spec = {}, status = {} }: ServiceAddressFields): string[] {
  const { clusterIP = '', clusterIPs = [clusterIP], externalIPs = [] } = spec;
  const balancers = (status.loadBalancer?.ingress ?? [])
    .filter(({ ipMode }) => ipMode !== 'Proxy')
    .map(({ ip = '' }) => ip);
  return [...clusterIPs, ...externalIPs, ...balancers].filter(
    (address) => address !== '' && address !== 'None',
  );
}
