import { AddressError, parseAddress } from '../net/address.js';
import type { EndpointIdentity } from './identity.js';
import { type AddressKind, type IdentityIndex, UNKNOWN_IDENTITY } from './identity-index.js';
import type { Pod } from './objects.js';
import type { NodeRanges } from './node-ranges.js';
import type { NodePort, PortIndex } from './port-index.js';
import type { NodeProcess, ProcessIndex } from './process-index.js';

/** Where bindings are recorded. */
export interface Indexes {
  readonly identities: IdentityIndex;
  readonly ports: PortIndex;
  readonly processes: ProcessIndex;
  readonly nodeRanges: NodeRanges;
}

/** The addresses, ports and processes that belong to an object in its present state. */
export interface BindingState {
  readonly identity: EndpointIdentity;
  /** The object itself, where it is a pod. */
  readonly pod?: Pod;
  readonly addressKind: AddressKind;
  /** Addresses as text. */
  readonly addresses: readonly string[];
  readonly ports: readonly NodePort[];
  readonly processes: readonly NodeProcess[];
  /** When the binding started, in ms: not before `fromMs`, and not after `sureMs`. */
  readonly fromMs: number;
  readonly sureMs: number;
}

/** How to apply a state whose identity differs from that of the last one. */
export type ChangeKind =
  /** The object has changed: its former identity applies to the time before. */
  | 'change'
  /** More of the object is known, which applies from the start. */
  | 'correction';

/** The addresses, ports and processes of one object over time, recorded in the indexes until the object ends. */
export class AddressBinding {
  #owner = UNKNOWN_IDENTITY;
  #state: BindingState | undefined;
  #addresses = new Map<string, Uint8Array>();
  #ports = new Map<string, NodePort>();
  #processes = new Map<string, NodeProcess>();

  constructor(private readonly indexes: Indexes) {}

  /** Applies the object's present state, learned at `atMs`; returns why addresses of it cannot be used. */
  update(state: BindingState, atMs: number, difference: ChangeKind = 'change'): string[] {
    const problems: string[] = [];
    const addresses = new Map<string, Uint8Array>();
    for (const text of state.addresses) {
      try {
        addresses.set(text, this.#addresses.get(text) ?? parseAddress(text));
      } catch (error) {
        if (!(error instanceof AddressError)) throw error;
        problems.push(error.message);
      }
    }
    const ports = new Map<string, NodePort>(
      state.ports.map((port) => [`${port.node} ${port.protocol} ${port.port}`, port]),
    );
    const processes = new Map<string, NodeProcess>(
      state.processes.map((process) => [`${process.node} ${process.name}`, process]),
    );
    const heldBefore = this.#addresses.size + this.#ports.size + this.#processes.size > 0;
    if (this.#state && !sameIdentity(this.#state.identity, state.identity)) {
      if (difference === 'correction') this.indexes.identities.correct(this.#owner, state.identity);
      else this.#release(atMs);
    }
    const changed = heldBefore && this.#owner === UNKNOWN_IDENTITY;
    this.#state = state;
    if (this.#owner === UNKNOWN_IDENTITY) {
      if (addresses.size + ports.size + processes.size === 0) return problems;
      this.#owner = this.indexes.identities.add(state.identity, state.pod);
      this.indexes.identities.use(this.#owner);
    }
    const { addressKind } = state;
    // What a changed object keeps belonged to its former identity until now.
    const fromMs = changed ? atMs : state.fromMs;
    const sureMs = heldBefore ? Math.max(atMs, fromMs) : state.sureMs;
    for (const [text, address] of addresses) {
      if (this.#addresses.has(text)) continue;
      this.indexes.identities.assign(address, this.#owner, fromMs, sureMs, addressKind);
      if (state.identity.kind === 'pod') this.indexes.nodeRanges.observe(address, state.identity.node);
    }
    for (const [text, address] of this.#addresses) {
      if (!addresses.has(text)) this.indexes.identities.release(address, this.#owner, atMs, addressKind);
    }
    for (const [text, port] of ports) {
      if (!this.#ports.has(text)) this.indexes.ports.assign(port, this.#owner, fromMs, sureMs);
    }
    for (const [text, port] of this.#ports) {
      if (!ports.has(text)) this.indexes.ports.release(port, this.#owner, atMs);
    }
    for (const [text, process] of processes) {
      if (!this.#processes.has(text)) this.indexes.processes.assign(process, this.#owner, fromMs);
    }
    for (const [text, process] of this.#processes) {
      if (!processes.has(text)) this.indexes.processes.release(process, this.#owner, atMs);
    }
    this.#addresses = addresses;
    this.#ports = ports;
    this.#processes = processes;
    return problems;
  }

  /** Ends the binding at `toMs`. */
  end(toMs: number): void {
    this.#release(toMs);
    this.#state = undefined;
  }

  #release(toMs: number): void {
    if (this.#owner === UNKNOWN_IDENTITY) return;
    for (const address of this.#addresses.values()) {
      this.indexes.identities.release(address, this.#owner, toMs, this.#state?.addressKind);
    }
    for (const port of this.#ports.values()) this.indexes.ports.release(port, this.#owner, toMs);
    for (const process of this.#processes.values()) {
      this.indexes.processes.release(process, this.#owner, toMs);
    }
    this.indexes.identities.unuse(this.#owner);
    this.#owner = UNKNOWN_IDENTITY;
    this.#addresses = new Map();
    this.#ports = new Map();
    this.#processes = new Map();
  }
}

function sameIdentity(a: EndpointIdentity, b: EndpointIdentity): boolean {
  return (
    a.kind === b.kind &&
    a.namespace === b.namespace &&
    a.name === b.name &&
    a.workload === b.workload &&
    a.workloadKind === b.workloadKind &&
    a.serviceAccount === b.serviceAccount &&
    a.labels === b.labels &&
    a.node === b.node &&
    a.zone === b.zone
  );
}
