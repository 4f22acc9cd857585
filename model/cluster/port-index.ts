import type { IdentityIndex } from './identity-index.js';
import { Intervals, NOBODY } from './intervals.js';

/** The host of a port that is open on every node. */
export const EVERY_NODE = '';

/** A port at the addresses of a node, or of {@link EVERY_NODE}. */
export interface NodePort {
  readonly node: string;
  /** IANA protocol number. */
  readonly protocol: number;
  readonly port: number;
}

/**
 * The owners of ports of nodes over time: pods on the node's network by their container ports, other pods by their
 * host ports, and services by their node ports. Owners are numbers of the identity index.
 */
export class PortIndex {
  readonly #identities: IdentityIndex;
  readonly #nodes = new Map<string, number>();
  /** Ids of ports by node, protocol and port. */
  #numbers = new Map<number, number>();
  readonly #intervals = new Intervals();

  constructor(identities: IdentityIndex) {
    this.#identities = identities;
  }

  /** Assigns a port to `owner` from a time between `fromMs` and `sureMs` on. */
  assign(port: NodePort, owner: number, fromMs: number, sureMs = fromMs): void {
    const key = this.#key(port.node, port.protocol, port.port);
    let number = this.#numbers.get(key);
    if (number === undefined) this.#numbers.set(key, (number = this.#numbers.size));
    if (this.#intervals.assign(number, owner, fromMs, sureMs)) this.#identities.use(owner);
  }

  /** Ends the assignment of a port to `owner` at `toMs`. */
  release(port: NodePort, owner: number, toMs: number): void {
    const number = this.#numbers.get(this.#key(port.node, port.protocol, port.port));
    if (number !== undefined) this.#intervals.release(number, owner, toMs);
  }

  /** The owner of a port at `timeMs`; 0 if it is unknown. */
  lookup(node: string, protocol: number, port: number, timeMs: number): number {
    const nodeNumber = this.#nodes.get(node);
    if (nodeNumber === undefined) return NOBODY;
    const number = this.#numbers.get(keyOf(nodeNumber, protocol, port));
    return number === undefined ? NOBODY : this.#intervals.lookup(number, timeMs);
  }

  /** Removes the assignments that ended by `beforeMs`. */
  forget(beforeMs: number): void {
    this.#intervals.forget(this.#numbers.size, beforeMs, this.#identities.unuse);
    const kept = [...this.#numbers].filter(([, number]) => this.#intervals.isKnown(number));
    if (kept.length * 2 > this.#numbers.size) return;
    this.#intervals.renumber(Uint32Array.from(kept, ([, number]) => number));
    this.#numbers = new Map(kept.map(([key], number) => [key, number]));
  }

  #key(node: string, protocol: number, port: number): number {
    let number = this.#nodes.get(node);
    if (number === undefined) this.#nodes.set(node, (number = this.#nodes.size));
    return keyOf(number, protocol, port);
  }
}

function keyOf(node: number, protocol: number, port: number): number {
  return (node * 256 + protocol) * 65_536 + port;
}
