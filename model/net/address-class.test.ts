import { expect, it } from 'vitest';
import { parseAddress } from './address.js';
import { ADDRESS_CLASSES, addressClass } from './address-class.js';

it.each([
  [
    'public',
    ['8.8.8.8', '172.15.0.1', '172.32.0.1', '192.169.0.1', '100.63.0.1', '100.128.0.1', '2001:db8::1'],
  ],
  ['public', ['::2', '255.255.255.254', 'fec0::1']],
  ['private', ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1']],
  ['unique_local', ['fc00::1', 'fd12::1']],
  ['shared', ['100.64.0.1', '100.127.255.255']],
  ['link_local', ['169.254.169.254', 'fe80::1', 'febf::1']],
  ['loopback', ['127.0.0.1', '::1']],
  ['multicast', ['224.0.0.1', '239.255.255.255', '255.255.255.255', 'ff02::1']],
  ['unspecified', ['0.0.0.0', '::']],
])('the class is %s of %j', (name, addresses) => {
  expect(addresses.map((text) => ADDRESS_CLASSES[addressClass(parseAddress(text), 0)])).toEqual(
    addresses.map(() => name),
  );
});

it('is told at any place of a column', () => {
  const column = Uint8Array.from([...parseAddress('8.8.8.8'), ...parseAddress('10.0.0.1')]);
  expect([0, 16].map((offset) => ADDRESS_CLASSES[addressClass(column, offset)])).toEqual([
    'public',
    'private',
  ]);
});
