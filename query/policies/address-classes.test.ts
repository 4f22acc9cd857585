import { formatAddress, isMappedIpv4, parseAddress } from '@sonde/model/net/address';
import { parsePrefix } from '@sonde/model/net/prefix';
import { addressBoundaries } from '@sonde/model/policy/preview/address-boundaries';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SqlParameters } from '../sql/parameters.js';
import { startTestApi, type TestApi } from '@sonde/test/fixtures/test-api';
import { addressClassSql } from './address-classes.js';

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi();
});

afterAll(() => api.close());

const PREFIXES = [
  ...['0.0.0.0/0', '10.0.0.0/8', '10.1.2.0/24', '10.1.2.3/32', '255.255.255.255/32', '203.0.113.7/32'],
  ...[
    '2001:db8::/32',
    '2001:db8:1::/48',
    '2001:db8:1::/64',
    '2001:db8:1::5/128',
    '2001:db8:1::8/125',
    'ff00::/8',
  ],
  ...['::1/128', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128'],
].map(parsePrefix);

const OTHERS = [
  '::',
  '::7',
  '1::',
  '2000::1',
  '2001:db8:1:0:ffff::',
  '2001:db8:1:1::',
  '2001:db8:2::1',
  'fe80::1',
];

describe('address classes', () => {
  it('differ between the ranges that boundaries form, and hardly within one', async () => {
    const boundaries = addressBoundaries(PREFIXES);
    const near = [...boundaries, ...OTHERS.map(parseAddress)].flatMap((address) =>
      [-1, 0, 1].map((step) => {
        const moved = address.slice();
        moved[15] = ((moved[15] ?? 0) + step + 256) % 256;
        return moved;
      }),
    );
    const text = (address: Uint8Array) => (isMappedIpv4(address) ? '::ffff:' : '') + formatAddress(address);
    const key = (address: Uint8Array) => Buffer.from(address).toString('hex');
    const parameters = new SqlParameters();
    const addresses = parameters.add(near.map(text), 'Array(IPv6)');
    const rows = await api.store.query<{ class: string }>(
      `SELECT toString(${addressClassSql(PREFIXES, parameters)('address')}) AS class
       FROM (SELECT arrayJoin(arrayEnumerate(${addresses})) AS place, ${addresses}[place] AS address) ORDER BY place`,
      parameters.values,
    );
    const stretchOf = (address: Uint8Array) =>
      boundaries.filter((boundary) => key(boundary) <= key(address)).length;
    const pairs = new Set(near.map((address, index) => `${stretchOf(address)} ${rows[index]?.class ?? ''}`));
    expect(rows).toHaveLength(near.length);
    const classes = new Set(rows.map((row) => row.class)).size;
    expect(classes).toBe(pairs.size);
    // Upper halves that contain boundaries differ from those above them.
    expect(classes - new Set(near.map(stretchOf)).size).toBeLessThan(4);
  });
});
