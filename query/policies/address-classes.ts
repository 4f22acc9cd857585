import { isMappedIpv4, formatAddress } from '@sonde/model/net/address';
import type { AddressPrefix } from '@sonde/model/net/prefix';
import { addressBoundaries } from '@sonde/model/policy/preview/address-boundaries';
import type { SqlParameters } from '../sql/parameters.js';

/**
 * An SQL expression over an address column that differs for addresses that a prefix distinguishes, and is equal for nearly
 * all others. It uses a binary search, so its cost hardly depends on the number of prefixes: IPv4 by number; IPv6 by the
 * upper half, where nearly all prefixes end, and by linear comparison only within halves with longer prefixes.
 */
export function addressClassSql(
  prefixes: readonly AddressPrefix[],
  parameters: SqlParameters,
): (column: string) => string {
  const boundaries = addressBoundaries(prefixes);
  const ipv4 = boundaries
    .filter((address) => isMappedIpv4(address))
    .map((address) => Number(half(address, 12, 16)));
  const ipv6 = boundaries.filter((address) => !isMappedIpv4(address));
  const upper = ipv6.map((address) => half(address, 0, 8));
  const divided = ipv6.filter((address) => half(address, 8, 16) !== 0n).map((address) => half(address, 0, 8));
  const steps = parameters.add(
    sorted([0n, ...upper, ...divided.map((number) => number + 1n).filter((number) => number < 1n << 64n)]),
    'Array(UInt64)',
  );
  const within = parameters.add(sorted(divided), 'Array(UInt64)');
  const all = parameters.add(
    ipv6.map((address) => formatAddress(address)),
    'Array(IPv6)',
  );
  const numbers = parameters.add(
    [...new Set([0, ...ipv4])].sort((a, b) => a - b),
    'Array(UInt32)',
  );
  return (column) => {
    const number = `toUInt128(${column})`;
    const half64 = `toUInt64(bitShiftRight(${number}, 64))`;
    return `if(${column} BETWEEN toIPv6('::ffff:0.0.0.0') AND toIPv6('::ffff:255.255.255.255'),
      tuple(4, toUInt64(roundDown(toUInt32(bitAnd(${number}, 4294967295)), ${numbers})), toUInt64(0)),
      tuple(6, toUInt64(roundDown(${half64}, ${steps})),
        toUInt64(if(has(${within}, ${half64}), arrayCount(boundary -> boundary <= ${column}, ${all}), 0))))`;
  };
}

/** A range of bytes of an address as a number. */
function half(address: Uint8Array, from: number, to: number): bigint {
  return address.subarray(from, to).reduce((number, byte) => number * 256n + BigInt(byte), 0n);
}

/** The distinct numbers, sorted. */
function sorted(numbers: readonly bigint[]): bigint[] {
  return [...new Set(numbers)].sort((a, b) => (a < b ? -1 : 1));
}
