import { describe, expect, it } from 'vitest';
import { AddressError, formatAddress, isMappedIpv4, parseAddress } from './address.js';

describe('an address', () => {
  it.each([
    ['10.0.1.7', '10.0.1.7'],
    ['::ffff:10.0.1.7', '10.0.1.7'],
    ['2001:db8:0:0:1::5', '2001:db8::1:0:0:5'],
    ['FE80::1', 'fe80::1'],
    ['::', '::'],
    ['0.0.0.0', '0.0.0.0'],
  ])('%s is written %s', (text, written) => {
    expect(formatAddress(parseAddress(text))).toBe(written);
  });

  it.each([
    '',
    '10.1',
    '10.0.0.256',
    '0x0a000001',
    '1234',
    'fe80::1%eth0',
    '::10.0.0.1',
    '10.0.0.0/8',
    'name',
  ])('"%s" is refused with what was read', (text) => {
    expect(() => parseAddress(text)).toThrow(new AddressError(text));
  });

  it('knows mapped IPv4 from IPv6', () => {
    expect(isMappedIpv4(parseAddress('192.0.2.1'))).toBe(true);
    expect(isMappedIpv4(parseAddress('2001:db8::1'))).toBe(false);
  });

  it('is read at an offset of a column', () => {
    const column = new Uint8Array(32);
    column.set(parseAddress('198.51.100.4'), 16);
    expect(formatAddress(column, 16)).toBe('198.51.100.4');
  });
});
