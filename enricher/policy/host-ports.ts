import type { Cluster } from '@sonde/model/cluster/cluster';
import { containerPorts } from '@sonde/model/cluster/pod-addresses';
import { protocolNumber, TCP } from '@sonde/model/net/protocol';
import { halvesOf, readWide } from '@sonde/model/record/wide';
import type { FlowEndpoints } from '../identity/block-endpoints.js';
import { POD } from '../identity/endpoint-cache.js';

const NOT_LOOKED_UP = 0;
const WITHOUT_HOST_PORTS = 1;
const WITH_HOST_PORTS = 2;

/**
 * Translates ports of nodes that lead to pods (`hostPort`) to the ports of their containers, which policies are about.
 * Returns other ports as they are. Hot path: pods without host ports cost one read of an array.
 */
export function hostPortTranslator(
  cluster: Cluster,
  servers: FlowEndpoints,
  times: BigUint64Array,
): (row: number, protocol: number, port: number) => number {
  const { identities } = cluster;
  const { kind } = servers.columns;
  const states = new Uint8Array(servers.distinct);
  const startTimes = halvesOf(times);

  function hasHostPorts(endpoint: number): boolean {
    if (states[endpoint] === NOT_LOOKED_UP) {
      const pod = identities.pod(servers.identityOf[endpoint] ?? 0);
      const found = pod && containerPorts(pod).some(({ hostPort }) => hostPort !== undefined);
      states[endpoint] = found === true ? WITH_HOST_PORTS : WITHOUT_HOST_PORTS;
    }
    return states[endpoint] === WITH_HOST_PORTS;
  }

  return (row, protocol, port) => {
    if (kind[row] !== POD) return port;
    const endpoint = servers.numbers[row] ?? 0;
    if (!hasHostPorts(endpoint)) return port;
    const owner = identities.lookup(servers.addresses.bytes, row * 16, readWide(startTimes, row));
    if (identities.identity(owner)?.kind !== 'node') return port;
    const pod = identities.pod(servers.identityOf[endpoint] ?? 0);
    const declared =
      pod &&
      containerPorts(pod).find((one) => {
        return one.hostPort === port && (protocolNumber(one.protocol ?? 'TCP') ?? TCP) === protocol;
      });
    return declared?.containerPort ?? port;
  };
}
