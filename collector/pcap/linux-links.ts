import { DIRECTION } from './captured-packet.js';
import type { Link } from './link-layer.js';

/** Packet type of a packet that the host itself sent. */
const OUTGOING = 4;

const COOKED_BYTES = 16;
const COOKED2_BYTES = 20;

/** Stands for all interfaces that packets came in by, or left by (INTERFACE_UNNAMED of bpf-probe/replay/uplinks.h). */
const UNNAMED = 0x8000_0000;

/** LINKTYPE_LINUX_SLL: captures of all interfaces, which tell the direction. */
export function cooked(view: DataView, at: number, end: number, link: Link): boolean {
  if (at + COOKED_BYTES > end) return false;
  const isOutgoing = view.getUint16(at) === OUTGOING;
  link.direction = isOutgoing ? DIRECTION.out : DIRECTION.in;
  // The interface is not known, only that a packet came in by one and left by another.
  link.interfaceIndex = UNNAMED + (isOutgoing ? 1 : 2);
  return cookedPayload(view, at + 14, at + COOKED_BYTES, end, link);
}

/** LINKTYPE_LINUX_SLL2, which tells the interface as well. */
export function cooked2(view: DataView, at: number, end: number, link: Link): boolean {
  if (at + COOKED2_BYTES > end) return false;
  link.direction = view.getUint8(at + 10) === OUTGOING ? DIRECTION.out : DIRECTION.in;
  link.interfaceIndex = view.getUint32(at + 4);
  return cookedPayload(view, at, at + COOKED2_BYTES, end, link);
}

/** What follows the header, whose protocol is at `protocolAt`: perhaps the VLAN tag of the frame. */
function cookedPayload(view: DataView, protocolAt: number, at: number, end: number, link: Link): boolean {
  link.ofManyInterfaces = true;
  link.headerBytes = 0;
  link.offset = at;
  link.vlan = -1;
  link.etherType = view.getUint16(protocolAt);
  if (link.etherType !== 0x8100 && link.etherType !== 0x88a8) return true;
  if (at + 4 > end) return false;
  link.offset = at + 4;
  link.vlan = view.getUint16(at) & 0xfff;
  link.etherType = view.getUint16(at + 2);
  return true;
}
