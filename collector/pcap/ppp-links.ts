import type { Link } from './link-layer.js';

/** Protocol numbers of PPP (RFC 1661, IANA). */
const PPP_IPV4 = 0x0021;
const PPP_IPV6 = 0x0057;

const PPPOE_BYTES = 6;

/** LINKTYPE_PPP: perhaps the address and control of RFC 1662, then the protocol in one or two bytes. */
export function ppp(view: DataView, at: number, end: number, link: Link): boolean {
  if (at + 4 > end) return false;
  const begin = view.getUint16(at) === 0xff03 ? at + 2 : at;
  // An odd first byte is the whole number: its leading zeros were left out.
  const isShort = (view.getUint8(begin) & 1) !== 0;
  const protocol = isShort ? view.getUint8(begin) : view.getUint16(begin);
  link.offset = begin + (isShort ? 1 : 2);
  link.headerBytes = 0;
  link.vlan = -1;
  link.etherType = protocol === PPP_IPV4 ? 0x0800 : protocol === PPP_IPV6 ? 0x86dd : 0;
  return true;
}

/** LINKTYPE_PPP_HDLC: PPP, or the HDLC of Cisco, in frames like those of HDLC. */
export function pppInHdlc(view: DataView, at: number, end: number, link: Link): boolean {
  if (at + 4 > end) return false;
  const address = view.getUint8(at);
  return address === 0x0f || address === 0x8f ? ciscoHdlc(view, at, end, link) : ppp(view, at, end, link);
}

/** LINKTYPE_PPP_ETHER: PPPoE (RFC 2516) without Ethernet. */
export function pppoe(view: DataView, at: number, end: number, link: Link): boolean {
  return at + PPPOE_BYTES <= end && ppp(view, at + PPPOE_BYTES, end, link);
}

/** LINKTYPE_C_HDLC: address, control, EtherType (RFC 1547 section 4.3.1). */
export function ciscoHdlc(view: DataView, at: number, end: number, link: Link): boolean {
  if (at + 4 > end) return false;
  link.offset = at + 4;
  link.headerBytes = 0;
  link.vlan = -1;
  link.etherType = view.getUint16(at + 2);
  return true;
}
