import type { EnumerationValue } from '@sonde/model/flow/enumerations';
import { type IpPacket, PROTOCOL } from './ip-packet.js';

/** How far a connection has come, over all windows; the probe's rules (bpf-probe/PROTOCOL.md, "States"). */
export interface ConnectionProgress {
  readonly protocol: number;
  /** The side that opened the connection. */
  client: 0 | 1;
  lastMicros: number;
  /** When the client's first SYN came; undefined if none was seen. */
  synMicros: number | undefined;
  synAckSeen: boolean;
  awaitsHandshakeAck: boolean;
  readonly finFrom: [boolean, boolean];
  readonly resetFrom: [boolean, boolean];
  readonly heardFrom: [boolean, boolean];
  closed: boolean;
}

const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;

/**
 * A connection whose first packet this is. Who is the client, until a SYN says otherwise: who receives a SYN-ACK or
 * an echo reply; in the middle of a TCP connection the end with the higher port; else the packet's sender.
 */
export function newConnection(packet: IpPacket, sender: 0 | 1, timeMicros: number): ConnectionProgress {
  const other = sender === 0 ? 1 : 0;
  const isAnswer = isSynAck(packet) || isEchoReply(packet) || isFromLowerPort(packet);
  return {
    protocol: packet.protocol,
    client: isAnswer ? other : sender,
    lastMicros: timeMicros,
    synMicros: undefined,
    synAckSeen: false,
    awaitsHandshakeAck: false,
    finFrom: [false, false],
    resetFrom: [false, false],
    heardFrom: [false, false],
    closed: false,
  };
}

/** Takes a packet into account. Tells how many connections it opened and closed, and a handshake's duration. */
export function followPacket(
  connection: ConnectionProgress,
  packet: IpPacket,
  sender: 0 | 1,
  timeMicros: number,
) {
  const happened = { opened: 0, closed: 0, connectMicros: 0 };
  connection.lastMicros = timeMicros;
  if (packet.protocol === PROTOCOL.tcp) {
    if (packet.tcpFlags & RST) connection.resetFrom[sender] = true;
    else if (packet.tcpFlags & SYN) followSyn(connection, packet, sender, timeMicros, happened);
    else followSegment(connection, packet, sender, timeMicros, happened);
    const isOver =
      (connection.finFrom[0] && connection.finFrom[1]) || connection.resetFrom[0] || connection.resetFrom[1];
    if (isOver && !connection.closed) {
      connection.closed = true;
      happened.closed = 1;
    }
  }
  connection.heardFrom[sender] = true;
  return happened;
}

/** What has become of the connection. */
export function connectionState(connection: ConnectionProgress): EnumerationValue<'connection_state'> {
  if (connection.protocol !== PROTOCOL.tcp) return 'stateless';
  const server = connection.client === 0 ? 1 : 0;
  const { synMicros, synAckSeen, resetFrom, heardFrom } = connection;
  if (synMicros !== undefined && !synAckSeen && resetFrom[server]) return 'refused';
  if (connection.closed) return 'closed';
  if (synMicros !== undefined && !heardFrom[server]) return 'unanswered';
  return 'established';
}

type Happened = ReturnType<typeof followPacket>;

function followSyn(
  connection: ConnectionProgress,
  packet: IpPacket,
  sender: 0 | 1,
  timeMicros: number,
  happened: Happened,
) {
  if (isSynAck(packet)) {
    connection.synAckSeen = true;
    return;
  }
  if (connection.closed) Object.assign(connection, newConnection(packet, sender, timeMicros));
  if (connection.synMicros !== undefined) return;
  connection.client = sender;
  connection.synMicros = timeMicros;
  connection.awaitsHandshakeAck = true;
  happened.opened = 1;
}

function followSegment(
  connection: ConnectionProgress,
  packet: IpPacket,
  sender: 0 | 1,
  timeMicros: number,
  happened: Happened,
) {
  if (
    connection.awaitsHandshakeAck &&
    connection.synAckSeen &&
    packet.tcpFlags & ACK &&
    sender === connection.client
  ) {
    connection.awaitsHandshakeAck = false;
    happened.connectMicros = timeMicros - (connection.synMicros ?? timeMicros);
  }
  if (packet.tcpFlags & FIN) connection.finFrom[sender] = true;
}

function isSynAck({ tcpFlags }: IpPacket): boolean {
  return (tcpFlags & (SYN | ACK)) === (SYN | ACK);
}

/** Whether it comes from the lower port amid a TCP connection, whose clients have the higher one as a rule. */
function isFromLowerPort({ protocol, tcpFlags, sourcePort, destinationPort }: IpPacket): boolean {
  return protocol === PROTOCOL.tcp && (tcpFlags & SYN) === 0 && sourcePort < destinationPort;
}

function isEchoReply({ protocol, icmpType }: IpPacket): boolean {
  return (protocol === PROTOCOL.icmp && icmpType === 0) || (protocol === PROTOCOL.icmpv6 && icmpType === 129);
}
