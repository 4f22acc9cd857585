import { AddressTable } from '../net/address-table.js';
import { AddressError } from '../net/address.js';
import { parsePrefix } from '../net/prefix.js';

/** Nodes by ranges of addresses, the narrowest range first. */
class Ranges {
  /** By prefix length: nodes by the id of the range's first address. */
  readonly #byLength = new Map<number, { readonly starts: AddressTable; readonly nodes: string[] }>();
  #lengths: number[] = [];
  readonly #prefixesOf = new Map<
    string,
    readonly { readonly network: Uint8Array; readonly bits: number }[]
  >();
  readonly #start = new Uint8Array(16);

  /** Sets the ranges of an owner, which belong to a node; returns why some are not valid. */
  set(owner: string, node: string, cidrs: readonly string[]): string[] {
    const problems: string[] = [];
    for (const prefix of this.#prefixesOf.get(owner) ?? []) this.#assign(prefix, '');
    const prefixes = cidrs.flatMap((cidr) => {
      try {
        return [parsePrefix(cidr)];
      } catch (error) {
        if (!(error instanceof AddressError)) throw error;
        problems.push(error.message);
        return [];
      }
    });
    for (const prefix of prefixes) this.#assign(prefix, node);
    if (prefixes.length > 0) this.#prefixesOf.set(owner, prefixes);
    else this.#prefixesOf.delete(owner);
    return problems;
  }

  /** The node of the narrowest range with the address at `offset`; empty if there is none. */
  nodeOf(addresses: Uint8Array, offset: number): string {
    for (const bits of this.#lengths) {
      const of = this.#byLength.get(bits);
      const number = of?.starts.find(this.#startOf(addresses, offset, bits), 0) ?? -1;
      const node = of?.nodes[number] ?? '';
      if (node !== '') return node;
    }
    return '';
  }

  #assign({ network, bits }: { readonly network: Uint8Array; readonly bits: number }, node: string): void {
    let of = this.#byLength.get(bits);
    if (!of) {
      this.#byLength.set(bits, (of = { starts: new AddressTable(), nodes: [] }));
      this.#lengths = [...this.#byLength.keys()].sort((a, b) => b - a);
    }
    of.nodes[of.starts.intern(network, 0)] = node;
  }

  #startOf(addresses: Uint8Array, offset: number, bits: number): Uint8Array {
    for (let byte = 0; byte < 16; byte++) {
      const kept = Math.min(8, Math.max(0, bits - byte * 8));
      this.#start[byte] = (addresses[offset + byte] ?? 0) & (0xff << (8 - kept));
    }
    return this.#start;
  }
}

/**
 * Finds the node of a pod by an address, before the pod is reported: by the blocks that Calico's address
 * management assigned to nodes (BlockAffinity), else by a Node's `podCIDRs`. If a known pod has an address outside
 * of its node's `podCIDRs`, addresses are not assigned by them, and they are ignored from then on.
 */
export class NodeRanges {
  readonly #blocks = new Ranges();
  readonly #podCidrs = new Ranges();
  #usesPodCidrs = true;

  /** Sets a node's `podCIDRs`; returns why some are not valid. */
  setPodCidrs(node: string, cidrs: readonly string[]): string[] {
    return this.#podCidrs.set(node, node, cidrs);
  }

  /** Sets the block of a BlockAffinity by its name; an empty list removes it. */
  setBlock(name: string, node: string, cidrs: readonly string[]): string[] {
    return this.#blocks.set(name, node, cidrs);
  }

  /** Compares the node of a pod with the ranges of its address (16 bytes). */
  observe(address: Uint8Array, node: string): void {
    if (!this.#usesPodCidrs || node === '') return;
    const expected = this.#podCidrs.nodeOf(address, 0);
    if (expected !== '' && expected !== node) this.#usesPodCidrs = false;
  }

  /** The node of a pod with the address at `offset`; empty if it is unknown. */
  nodeOf(addresses: Uint8Array, offset: number): string {
    return (
      this.#blocks.nodeOf(addresses, offset) ||
      (this.#usesPodCidrs ? this.#podCidrs.nodeOf(addresses, offset) : '')
    );
  }
}
