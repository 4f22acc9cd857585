import { AddressTable } from '../net/address-table.js';
import { AddressError } from '../net/address.js';
import { parsePrefix } from '../net/prefix.js';

/** Nodes by ranges of addresses, the narrowest range first. */
class Ranges {
  /** For each prefix length, nodes by the number of the range's first address. */
  readonly #byLength = new Map<number, { readonly starts: AddressTable; readonly nodes: string[] }>();
  #lengths: number[] = [];
  readonly #prefixesOf = new Map<
    string,
    readonly { readonly network: Uint8Array; readonly bits: number }[]
  >();
  readonly #start = new Uint8Array(16);

  /** Says that the owner's ranges, and no others of its, are a node's; returns what of them is no range. */
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

  /** The node of the range that holds the address at `offset`; empty if none does. */
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
 * On which node a pod must be that has an address, though nobody has told of the pod yet: by the blocks that Calico's
 * address management gave to nodes (BlockAffinity), else by the ranges that Kubernetes did (a Node's `podCIDRs`).
 * Where one known pod has its address from elsewhere, the latter are not what addresses are given out by, and count
 * no more.
 */
export class NodeRanges {
  readonly #blocks = new Ranges();
  readonly #podCidrs = new Ranges();
  #podCidrsHold = true;

  /** Takes in a node's `podCIDRs`; returns what of them is no range. */
  setPodCidrs(node: string, cidrs: readonly string[]): string[] {
    return this.#podCidrs.set(node, node, cidrs);
  }

  /** Takes in the block of a BlockAffinity by its name; none if it is gone. */
  setBlock(name: string, node: string, cidrs: readonly string[]): string[] {
    return this.#blocks.set(name, node, cidrs);
  }

  /** Takes notice of where a pod is that has the address (16 bytes). */
  observe(address: Uint8Array, node: string): void {
    if (!this.#podCidrsHold || node === '') return;
    const expected = this.#podCidrs.nodeOf(address, 0);
    if (expected !== '' && expected !== node) this.#podCidrsHold = false;
  }

  /** The node that a pod with the address at `offset` is on; empty if that cannot be said. */
  nodeOf(addresses: Uint8Array, offset: number): string {
    return (
      this.#blocks.nodeOf(addresses, offset) ||
      (this.#podCidrsHold ? this.#podCidrs.nodeOf(addresses, offset) : '')
    );
  }
}
