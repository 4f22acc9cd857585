import { type Direction, DIRECTION } from './captured-packet.js';
import { cooked, cooked2 } from './linux-links.js';
import { ciscoHdlc, ppp, pppInHdlc, pppoe } from './ppp-links.js';
import { avs, dot11, prism, radiotap } from './wireless-links.js';

/** What a captured frame says before its IP header. Filled again for each packet, because millions of them are read. */
export interface Link {
  /** Where the IP header, or the header of Ethernet, begins in the view. */
  offset: number;
  /** Length of the Ethernet header at `offset`; 0 without one. */
  headerBytes: number;
  etherType: number;
  /** VLAN id of the outer tag, which comes before `offset`; -1 without one. */
  vlan: number;
  direction: Direction;
  /** The host's number of the interface, where the link type tells; else 0. */
  interfaceIndex: number;
  /** Whether packets of several interfaces are in captures of this link type. */
  ofManyInterfaces: boolean;
}

/** Reads the link layer of the frame from `at` to `end`. Returns false if the frame is cut off before its end. */
export type LinkReader = (view: DataView, at: number, end: number, link: Link) => boolean;

export function emptyLink(): Link {
  return {
    ...{ offset: 0, headerBytes: 0, etherType: 0, vlan: -1, direction: DIRECTION.unknown },
    ...{ interfaceIndex: 0, ofManyInterfaces: false },
  };
}

/** Link types with IP inside (tcpdump.org/linktypes). */
export const LINK_TYPES = {
  null: 0,
  ethernet: 1,
  ppp: 9,
  raw: 101,
  cooked: 113,
  radiotap: 127,
  cooked2: 276,
};

/** All supported link types: number, name, reader. */
const SUPPORTED: readonly (readonly [number, string, LinkReader])[] = [
  [LINK_TYPES.null, 'BSD loopback', addressFamily],
  [LINK_TYPES.ethernet, 'Ethernet', ethernet],
  [LINK_TYPES.ppp, 'PPP', ppp],
  [12, 'raw IP', raw],
  [14, 'raw IP', raw],
  [50, 'PPP in HDLC', pppInHdlc],
  [51, 'PPPoE', pppoe],
  [LINK_TYPES.raw, 'raw IP', raw],
  [104, 'Cisco HDLC', ciscoHdlc],
  [105, 'IEEE 802.11', dot11],
  [108, 'OpenBSD loopback', addressFamily],
  [LINK_TYPES.cooked, 'Linux cooked', cooked],
  [119, 'IEEE 802.11 with Prism header', prism],
  [LINK_TYPES.radiotap, 'IEEE 802.11 with radiotap header', radiotap],
  [163, 'IEEE 802.11 with AVS header', avs],
  [228, 'raw IPv4', raw],
  [229, 'raw IPv6', raw],
  [LINK_TYPES.cooked2, 'Linux cooked v2', cooked2],
];

const READERS = new Map(SUPPORTED.map(([linkType, , reader]) => [linkType, reader]));
const NAMES = new Map(SUPPORTED.map(([linkType, name]) => [linkType, name]));

/** What people call a link type; `link type N` if it is not supported. */
export function linkTypeName(linkType: number): string {
  return NAMES.get(linkType) ?? `link type ${linkType}`;
}

/** The reader of a link type; undefined if it is not supported. */
export function linkReader(linkType: number): LinkReader | undefined {
  return READERS.get(linkType);
}

const ETHERNET_BYTES = 14;
const VLAN_ETHERTYPES = [0x8100, 0x88a8];

function ethernet(view: DataView, at: number, end: number, link: Link): boolean {
  if (at + ETHERNET_BYTES > end) return false;
  const etherType = view.getUint16(at + 12);
  if (VLAN_ETHERTYPES.includes(etherType)) return tagged(view, at + ETHERNET_BYTES, end, link);
  link.offset = at;
  link.headerBytes = ETHERNET_BYTES;
  link.etherType = etherType;
  link.vlan = -1;
  return true;
}

/** Removes the outer VLAN tag, whose id is at `at`, from the frame as a network card does. */
function tagged(view: DataView, at: number, end: number, link: Link): boolean {
  if (at + 4 > end) return false;
  link.offset = at + 4;
  link.headerBytes = 0;
  link.etherType = view.getUint16(at + 2);
  link.vlan = view.getUint16(at) & 0xfff;
  return true;
}

function raw(view: DataView, at: number, end: number, link: Link): boolean {
  if (at + 1 > end) return false;
  const version = view.getUint8(at) >> 4;
  link.offset = at;
  link.headerBytes = 0;
  link.etherType = version === 4 ? 0x0800 : version === 6 ? 0x86dd : 0;
  link.vlan = -1;
  return true;
}

/** Four bytes with an address family, in either byte order; IP has a number of its own in each system. */
function addressFamily(view: DataView, at: number, end: number, link: Link): boolean {
  return at + 4 <= end && raw(view, at + 4, end, link);
}
