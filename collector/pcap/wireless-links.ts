import type { Link } from './link-layer.js';

/** Length of the header that drivers of Prism cards put before a frame. */
const PRISM_BYTES = 144;

/** LLC and SNAP with an EtherType (RFC 1042). */
const SNAP_BYTES = 8;
const SNAP = 0xaaaa0300;

/** IEEE 802.11 section 9.2.4.1: bits of the frame control field's two bytes. */
const TYPE_MASK = 0x0c;
const TYPE_DATA = 0x08;
const SUBTYPE_QOS = 0x80;
const SUBTYPE_NO_DATA = 0x40;
const TO_AND_FROM_DS = 3;
const PROTECTED = 0x40;
const ORDER = 0x80;

/** LINKTYPE_IEEE802_11: IP in data frames that are not encrypted. */
export function dot11(view: DataView, at: number, end: number, link: Link): boolean {
  link.headerBytes = 0;
  link.vlan = -1;
  link.etherType = 0;
  if (at + 2 > end) return false;
  const control = view.getUint8(at);
  const flags = view.getUint8(at + 1);
  if ((control & TYPE_MASK) !== TYPE_DATA || control & SUBTYPE_NO_DATA || flags & PROTECTED) return true;
  const hasFourAddresses = (flags & TO_AND_FROM_DS) === TO_AND_FROM_DS;
  const isQos = (control & SUBTYPE_QOS) !== 0;
  const headerBytes = 24 + (hasFourAddresses ? 6 : 0) + (isQos ? 2 : 0) + (isQos && flags & ORDER ? 4 : 0);
  const snap = at + headerBytes;
  if (snap + SNAP_BYTES > end) return false;
  if (view.getUint32(snap) !== SNAP) return true;
  link.offset = snap + SNAP_BYTES;
  link.etherType = view.getUint16(snap + 6);
  return true;
}

/** LINKTYPE_IEEE802_11_RADIOTAP: a header whose length is in its third and fourth byte. */
export function radiotap(view: DataView, at: number, end: number, link: Link): boolean {
  return at + 4 <= end && behind(view, at, end, view.getUint16(at + 2, true), link);
}

/** LINKTYPE_IEEE802_11_AVS: a header whose length is in its second word. */
export function avs(view: DataView, at: number, end: number, link: Link): boolean {
  return at + 8 <= end && behind(view, at, end, view.getUint32(at + 4), link);
}

/** LINKTYPE_PRISM_HEADER: a header of one length. */
export function prism(view: DataView, at: number, end: number, link: Link): boolean {
  return behind(view, at, end, PRISM_BYTES, link);
}

/** A frame behind a driver's header of known length. */
function behind(view: DataView, at: number, end: number, bytes: number, link: Link): boolean {
  return at + bytes <= end && dot11(view, at + bytes, end, link);
}
