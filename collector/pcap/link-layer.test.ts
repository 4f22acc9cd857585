import { describe, expect, it } from 'vitest';
import { DIRECTION } from './captured-packet.js';
import { emptyLink, linkReader, linkTypeName } from './link-layer.js';

/** The first bytes of an IPv4 and of an IPv6 packet. */
const IPV4 = '45000014';
const IPV6 = '60000000';
const IPV4_TYPE = 0x0800;
const IPV6_TYPE = 0x86dd;
const SNAP_IPV4 = 'aaaa030000000800';
const DOT11_ADDRESSES = '00'.repeat(22);

/** Reads the link layer of a frame in hex; some bytes before it belong to other packets. */
function readLink(linkType: number, hex: string) {
  const frame = Buffer.from(`ffff${hex}`, 'hex');
  const link = emptyLink();
  const isWhole = linkReader(linkType)?.(
    new DataView(frame.buffer, frame.byteOffset, frame.length),
    2,
    frame.length,
    link,
  );
  return { ...link, isWhole, payload: frame.toString('hex', link.offset) };
}

describe('the link layer', () => {
  it.each([
    [0, 'of BSD loopback, little-endian', `02000000${IPV4}`, IPV4_TYPE],
    [0, 'of BSD loopback, big-endian', `0000001c${IPV6}`, IPV6_TYPE],
    [108, 'of OpenBSD loopback', `00000018${IPV6}`, IPV6_TYPE],
    [9, 'of PPP', `0021${IPV4}`, IPV4_TYPE],
    [9, 'of PPP with address and control', `ff030057${IPV6}`, IPV6_TYPE],
    [9, 'of PPP with a compressed protocol', `ff0321${IPV4}`, IPV4_TYPE],
    [50, 'of PPP in HDLC', `ff030021${IPV4}`, IPV4_TYPE],
    [50, 'of Cisco HDLC in place of PPP', `0f000800${IPV4}`, IPV4_TYPE],
    [51, 'of PPPoE', `1100000100060021${IPV4}`, IPV4_TYPE],
    [104, 'of Cisco HDLC', `0f0086dd${IPV6}`, IPV6_TYPE],
    [12, 'that is absent on BSD', IPV4, IPV4_TYPE],
    [101, 'that is absent', IPV6, IPV6_TYPE],
    [228, 'that is absent before IPv4', IPV4, IPV4_TYPE],
    [105, 'of IEEE 802.11', `0801${DOT11_ADDRESSES}${SNAP_IPV4}${IPV4}`, IPV4_TYPE],
    [
      105,
      'of IEEE 802.11 with four addresses',
      `0803${DOT11_ADDRESSES}010203040506${SNAP_IPV4}${IPV4}`,
      IPV4_TYPE,
    ],
    [
      105,
      'of IEEE 802.11 with quality of service',
      `8801${DOT11_ADDRESSES}0000${SNAP_IPV4}${IPV4}`,
      IPV4_TYPE,
    ],
    [127, 'behind radiotap', `00000a000000000000000801${DOT11_ADDRESSES}${SNAP_IPV4}${IPV4}`, IPV4_TYPE],
    [163, 'behind AVS', `80211001000000080801${DOT11_ADDRESSES}${SNAP_IPV4}${IPV4}`, IPV4_TYPE],
    [119, 'behind Prism', `${'00'.repeat(144)}0801${DOT11_ADDRESSES}${SNAP_IPV4}${IPV4}`, IPV4_TYPE],
    [113, 'of Linux cooked', `0000${'00'.repeat(12)}0800${IPV4}`, IPV4_TYPE],
    [276, 'of Linux cooked v2', `08000000${'00'.repeat(16)}${IPV4}`, IPV4_TYPE],
  ])('of type %i, %s, is read', (linkType, _, hex, etherType) => {
    const ip = etherType === IPV4_TYPE ? IPV4 : IPV6;
    expect(readLink(linkType, hex)).toMatchObject({
      isWhole: true,
      etherType,
      payload: ip,
      headerBytes: 0,
      vlan: -1,
    });
    for (let cut = 0; cut < hex.length - ip.length; cut += 2) {
      expect(readLink(linkType, hex.slice(0, cut)).payload).not.toBe(ip);
    }
  });

  it('of Ethernet stays before the packet, as the kernel sees it', () => {
    const hex = `${'02'.repeat(12)}0800${IPV4}`;
    expect(readLink(1, hex)).toMatchObject({ payload: hex, headerBytes: 14, etherType: IPV4_TYPE, vlan: -1 });
  });

  it.each([
    [1, `${'02'.repeat(12)}8100e064`],
    [113, `0000${'00'.repeat(12)}8100e064`],
    [276, `88a80000${'00'.repeat(16)}e064`],
  ])('of type %i gives its outer VLAN tag', (linkType, hex) => {
    expect(readLink(linkType, `${hex}0800${IPV4}`)).toMatchObject({
      vlan: 100,
      etherType: IPV4_TYPE,
      payload: IPV4,
    });
  });

  it('of Linux cooked tells the direction, and version 2 the interface', () => {
    const version1 = (type: string) => readLink(113, `${type}${'00'.repeat(12)}0800${IPV4}`);
    const version2 = (type: string) => readLink(276, `080000000000000a0001${type}${'00'.repeat(9)}${IPV4}`);
    expect(version1('0004')).toMatchObject({ direction: DIRECTION.out, ofManyInterfaces: true });
    expect(version1('0000').direction).toBe(DIRECTION.in);
    expect(version1('0000').interfaceIndex).not.toBe(version1('0004').interfaceIndex);
    expect(version2('04')).toMatchObject({
      direction: DIRECTION.out,
      interfaceIndex: 10,
      ofManyInterfaces: true,
    });
    expect(version2('00').direction).toBe(DIRECTION.in);
  });

  it.each([
    ['a beacon', `8000${DOT11_ADDRESSES}${SNAP_IPV4}${IPV4}`],
    ['an encrypted frame', `0841${DOT11_ADDRESSES}${SNAP_IPV4}${IPV4}`],
    ['a frame without data', `4801${DOT11_ADDRESSES}`],
  ])('of IEEE 802.11 is no IP in %s', (_, hex) => {
    expect(readLink(105, hex)).toMatchObject({ isWhole: true, etherType: 0 });
  });

  it('of other types is named by number', () => {
    expect(linkReader(147)).toBeUndefined();
    expect([linkTypeName(147), linkTypeName(1)]).toEqual(['link type 147', 'Ethernet']);
  });
});
