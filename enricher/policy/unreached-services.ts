import { formatAddress } from '@sonde/model/net/address';
import type { Cluster } from '@sonde/model/cluster/cluster';
import type { ObservedColumns } from '@sonde/model/flow/records';
import { halvesOf, readWide } from '@sonde/model/record/wide';
import type { FlowEndpoints } from '../identity/block-endpoints.js';
import type { PolicyContext } from './live-policies.js';

/** The result of connections without a single endpoint to evaluate. */
export const NO_SINGLE_ENDPOINT = -1;

/** Returns the policy identity of an address (16 bytes) with an owner of the identity index. */
export type IdentifyEndpoint = (address: Uint8Array, holder: number) => number;

/**
 * Evaluates connections of a block that did not get beyond the address of a service: the result of the service's
 * backends if all have the same verdict. Computed once per source, service and port.
 */
export class UnreachedServices {
  readonly #policies: PolicyContext;
  readonly #identify: IdentifyEndpoint;
  /** By source and id of the service's address, then by protocol and port. */
  readonly #results = new Map<number, Map<number, number>>();

  constructor(policies: PolicyContext, identify: IdentifyEndpoint) {
    this.#policies = policies;
    this.#identify = identify;
  }

  /** The result of a row whose server is a service; `source` is the policy identity of its client. */
  evaluate(
    cluster: Cluster,
    observed: ObservedColumns,
    dst: FlowEndpoints,
    row: number,
    source: number,
  ): number {
    const protocol = observed.protocol[row] ?? 0;
    const port = observed.dst_port[row] ?? 0;
    // Both are far below 2^26.
    const ends = source * 0x4000000 + (dst.addresses.numbers[row] ?? 0);
    let byPort = this.#results.get(ends);
    if (!byPort) this.#results.set(ends, (byPort = new Map<number, number>()));
    const key = protocol * 65_536 + port;
    let result = byPort.get(key);
    if (result === undefined) {
      result = this.#evaluateBackends(cluster, observed, row, source);
      byPort.set(key, result);
    }
    return result;
  }

  #evaluateBackends(cluster: Cluster, observed: ObservedColumns, row: number, source: number): number {
    const { evaluator, servicesByAddress } = this.#policies;
    const protocol = observed.protocol[row] ?? 0;
    const sourcePort = observed.src_port[row] ?? 0;
    const timeMs = readWide(halvesOf(observed.start_time), row);
    const backends = servicesByAddress.get(formatAddress(observed.dst_ip, row * 16));
    const portName = backends?.service.ports.find(
      (one) => one.protocol === protocol && one.port === observed.dst_port[row],
    )?.name;
    const results = (backends?.endpoints ?? [])
      .filter((endpoint) => endpoint.protocol === protocol && endpoint.portName === portName)
      .map((endpoint) => {
        const holder = cluster.identities.lookup(endpoint.address, 0, timeMs);
        const destination = this.#identify(endpoint.address, holder);
        return evaluator.evaluate(source, destination, protocol, endpoint.port, sourcePort);
      });
    const [first = NO_SINGLE_ENDPOINT] = results;
    const verdicts = new Set(results.map((result) => evaluator.verdict(result)));
    return verdicts.size === 1 ? first : NO_SINGLE_ENDPOINT;
  }
}
