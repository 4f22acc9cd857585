import { parseAddress } from '../../net/address.js';
import { type AddressPrefix, addressPrefix, familyOf, formatPrefix, parsePrefix } from '../../net/prefix.js';

/** Prefixes that a rule names at most, of each address family. */
const MAX_PREFIXES = 16;

/** Prefixes that hold all of some addresses: each by itself, or wider ones if they are too many to list. */
export function prefixesOf(addresses: readonly string[]): {
  readonly prefixes: string[];
  readonly widened: boolean;
} {
  const parsed = [...new Set(addresses)].map(parseAddress);
  const families = ([4, 6] as const).map((family) =>
    narrowest(parsed.filter((address) => familyOf(address) === family)),
  );
  return {
    prefixes: families.flatMap(({ prefixes }) => prefixes),
    widened: families.some(({ widened }) => widened),
  };
}

/** The longest prefixes of one length that are few enough. */
function narrowest(addresses: readonly Uint8Array[]): {
  readonly prefixes: string[];
  readonly widened: boolean;
} {
  let prefixes: AddressPrefix[] = addresses.map(addressPrefix);
  let bits = 128;
  while (prefixes.length > MAX_PREFIXES) {
    bits -= 1;
    prefixes = [...new Map(prefixes.map((prefix) => shortened(prefix, bits))).values()];
  }
  return { prefixes: prefixes.map(formatPrefix).sort(), widened: bits < 128 };
}

function shortened(prefix: AddressPrefix, bits: number): [string, AddressPrefix] {
  const shorter = parsePrefix(formatPrefix({ ...prefix, bits }));
  return [formatPrefix(shorter), shorter];
}
