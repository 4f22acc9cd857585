import { parseAddress } from '../../net/address.js';
import { type AddressPrefix, addressPrefix, familyOf, formatPrefix, parsePrefix } from '../../net/prefix.js';

/** Maximum number of prefixes in a rule, per address family. */
const MAX_PREFIXES = 16;

/** Prefixes that contain all addresses: one per address, or wider ones if there are too many. */
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

/** The longest prefixes of one length whose number is within the limit. */
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
