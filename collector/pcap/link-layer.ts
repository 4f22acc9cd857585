/** What a captured frame says before its IP header. */
export interface LinkLayer {
  /** Where the IP header begins. */
  readonly ipOffset: number;
  /** Whether the capturing host received (`in`) or sent (`out`) the packet, where the link type tells. */
  readonly direction: 'in' | 'out' | 'unknown';
  /** The host's interface index, where the link type tells; else 0. */
  readonly interfaceIndex: number;
}

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const VLAN_ETHERTYPES = new Set([0x8100, 0x88a8, 0x9100]);

/** Packet type of a packet that the host itself sent (LINKTYPE_LINUX_SLL and SLL2). */
const COOKED_OUTGOING = 4;

/** Link types that `linkLayer` knows (tcpdump.org/linktypes). */
export const LINK_TYPES = {
  null: 0,
  ethernet: 1,
  raw: 101,
  rawIpv4: 228,
  rawIpv6: 229,
  loop: 108,
  cooked: 113,
  cooked2: 276,
};

/** Finds the IP header of a frame; undefined if the frame carries something else or is cut before it. */
export function linkLayer(linkType: number, frame: Buffer): LinkLayer | undefined {
  switch (linkType) {
    case LINK_TYPES.ethernet:
      return ethernet(frame);
    case LINK_TYPES.raw:
    case LINK_TYPES.rawIpv4:
    case LINK_TYPES.rawIpv6:
      return { ipOffset: 0, direction: 'unknown', interfaceIndex: 0 };
    case LINK_TYPES.null:
    case LINK_TYPES.loop:
      return { ipOffset: 4, direction: 'unknown', interfaceIndex: 0 };
    case LINK_TYPES.cooked:
      return cooked(frame, 16, 14, 0, undefined);
    case LINK_TYPES.cooked2:
      return cooked(frame, 20, 0, 10, 4);
    default:
      return undefined;
  }
}

function ethernet(frame: Buffer): LinkLayer | undefined {
  let at = 12;
  while (at + 2 <= frame.length && VLAN_ETHERTYPES.has(frame.readUInt16BE(at))) at += 4;
  if (at + 2 > frame.length || !isIp(frame.readUInt16BE(at))) return undefined;
  return { ipOffset: at + 2, direction: 'unknown', interfaceIndex: 0 };
}

/** Linux cooked captures: version 1 tells the direction, version 2 (LINKTYPE_LINUX_SLL2) the interface as well. */
function cooked(
  frame: Buffer,
  length: number,
  protocolAt: number,
  typeAt: number,
  indexAt: number | undefined,
) {
  if (frame.length < length || !isIp(frame.readUInt16BE(protocolAt))) return undefined;
  // One byte in version 2, two in version 1, whose values all fit the second.
  const type = indexAt === undefined ? frame.readUInt16BE(typeAt) : frame.readUInt8(typeAt);
  return {
    ipOffset: length,
    direction: type === COOKED_OUTGOING ? ('out' as const) : ('in' as const),
    interfaceIndex: indexAt === undefined ? 0 : frame.readUInt32BE(indexAt),
  };
}

function isIp(etherType: number): boolean {
  return etherType === ETHERTYPE_IPV4 || etherType === ETHERTYPE_IPV6;
}
