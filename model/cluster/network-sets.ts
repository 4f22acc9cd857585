import ipaddr from 'ipaddr.js';
import { parseAddress } from '../net/address.js';
import { AddressTable } from '../net/address-table.js';
import { canonicalLabels } from './identity.js';
import { type KubernetesObject, namespacedName } from './objects.js';

/** Calico's NetworkSet and GlobalNetworkSet (projectcalico.org/v3), reduced to the fields that are used. */
export interface NetworkSetObject extends KubernetesObject {
  readonly spec?: { readonly nets?: readonly string[] };
}

/** The match of addresses that are in no set. */
export const NO_NETWORK_SET = 0;

/** The sets that contain an address. */
export interface NetworkSetMatch {
  /** Namespace of the most specific set, which names the address. */
  readonly namespace: string;
  readonly name: string;
  readonly labels: string;
  /** Names of all sets that contain it, most specific first: `namespace/name` or `name`, separated by commas. */
  readonly all: string;
}

/** Maximum number of addresses with a cached match; above it, the cache is cleared. */
const MAX_CACHED_ADDRESSES = 65_536;

interface Prefix {
  readonly set: string;
  readonly network: Uint8Array;
  readonly bits: number;
  readonly namespace: string;
  readonly name: string;
  readonly labels: string;
}

/** The prefixes of one length, by network: an address is in at most one network of a length. */
interface Length {
  readonly bits: number;
  readonly networks: AddressTable;
  /** By id of the network. */
  readonly prefixes: Prefix[][];
}

/** Finds the network sets that contain an address: longest prefix first, then by name, as in Calico's flow logs. */
export class NetworkSets {
  #prefixes: Prefix[] = [];
  /** Longest first; undefined after a change until the next lookup. */
  #lengths: Length[] | undefined;
  readonly #network = new Uint8Array(16);
  #seen = new AddressTable();
  #matchOf: number[] = [];
  #matches: (NetworkSetMatch | undefined)[] = [undefined];
  readonly #numbers = new Map<string, number>();

  /** Adds a set, or replaces the one of its namespace and name; returns the prefixes that are not valid. */
  set(set: NetworkSetObject): { field: string; reason: string }[] {
    const problems: { field: string; reason: string }[] = [];
    const { name, namespace = '', labels } = set.metadata;
    const prefixes: Prefix[] = [];
    for (const [index, net] of (set.spec?.nets ?? []).entries()) {
      const parsed = parsePrefix(net);
      if (parsed)
        prefixes.push({
          ...parsed,
          set: namespacedName(set.metadata),
          namespace,
          name,
          labels: canonicalLabels(labels, () => true),
        });
      else
        problems.push({
          field: `spec.nets[${index}]`,
          reason: `"${net}" is not an address or a CIDR prefix`,
        });
    }
    this.#replace(namespacedName(set.metadata), prefixes);
    return problems;
  }

  remove(set: NetworkSetObject): void {
    this.#replace(namespacedName(set.metadata), []);
  }

  /** The match of the address at `offset` of `addresses`; {@link NO_NETWORK_SET} if no set contains it. */
  lookup(addresses: Uint8Array, offset: number): number {
    if (this.#prefixes.length === 0) return NO_NETWORK_SET;
    const known = this.#seen.find(addresses, offset);
    if (known >= 0) return this.#matchOf[known] ?? NO_NETWORK_SET;
    if (this.#seen.size >= MAX_CACHED_ADDRESSES) this.#forget();
    const match = this.#search(addresses, offset);
    this.#matchOf[this.#seen.intern(addresses, offset)] = match;
    return match;
  }

  /** The match with a number; undefined for {@link NO_NETWORK_SET}. Numbers are valid until a set changes. */
  match(number: number): NetworkSetMatch | undefined {
    return this.#matches[number];
  }

  #replace(set: string, prefixes: readonly Prefix[]): void {
    this.#prefixes = [...this.#prefixes.filter((prefix) => prefix.set !== set), ...prefixes].sort(
      (a, b) => b.bits - a.bits || compare(a.name, b.name) || compare(a.namespace, b.namespace),
    );
    this.#lengths = undefined;
    this.#forget();
    this.#matches = [undefined];
    this.#numbers.clear();
  }

  #search(addresses: Uint8Array, offset: number): number {
    this.#lengths ??= byLength(this.#prefixes);
    const holding: Prefix[] = [];
    for (const { bits, networks, prefixes } of this.#lengths) {
      writeNetwork(this.#network, addresses, offset, bits);
      holding.push(...(prefixes[networks.find(this.#network, 0)] ?? []));
    }
    const first = holding[0];
    if (!first) return NO_NETWORK_SET;
    const names = holding.map(({ namespace, name }) => (namespace ? `${namespace}/${name}` : name));
    const all = [...new Set(names)].join(',');
    const known = this.#numbers.get(all);
    if (known !== undefined) return known;
    const number =
      this.#matches.push({ namespace: first.namespace, name: first.name, labels: first.labels, all }) - 1;
    this.#numbers.set(all, number);
    return number;
  }

  #forget(): void {
    this.#seen = new AddressTable();
    this.#matchOf = [];
  }
}

function parsePrefix(text: string): { network: Uint8Array; bits: number } | undefined {
  const [address = '', length] = text.split('/');
  try {
    const network = parseAddress(address);
    if (length === undefined) return { network, bits: 128 };
    const [, bits] = ipaddr.parseCIDR(text);
    return { network, bits: address.includes(':') ? bits : bits + 96 };
  } catch {
    // Both parsers throw only if the text is not valid; the caller reports it.
    return undefined;
  }
}

/** Groups prefixes, which are sorted by descending length, by length and network. */
function byLength(sorted: readonly Prefix[]): Length[] {
  const lengths: Length[] = [];
  const network = new Uint8Array(16);
  for (const prefix of sorted) {
    const { bits } = prefix;
    let length = lengths.at(-1);
    if (length?.bits !== bits) {
      length = { bits, networks: new AddressTable(), prefixes: [] };
      lengths.push(length);
    }
    writeNetwork(network, prefix.network, 0, bits);
    (length.prefixes[length.networks.intern(network, 0)] ??= []).push(prefix);
  }
  return lengths;
}

/** Writes the first bits of an address, followed by zeros. */
function writeNetwork(network: Uint8Array, addresses: Uint8Array, offset: number, bits: number): void {
  for (let byte = 0; byte < 16; byte++) {
    const rest = Math.min(Math.max(bits - byte * 8, 0), 8);
    network[byte] = (addresses[offset + byte] ?? 0) & (0xff00 >> rest);
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
