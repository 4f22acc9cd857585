import { enumerationNumber } from '@sonde/model/flow/enumerations';
import { allocateObservedColumns, type ObservedFlows } from '@sonde/model/flow/observed';
import { halvesOf, writeWide } from '@sonde/model/record/wide';
import { type ConnectionProgress, connectionState, followPacket, newConnection } from './connection.js';
import { type IpPacket, PROTOCOL } from './ip-packet.js';

/** A connection in one window, both directions; arrays of two are indexed by the sender's side. */
interface Entry {
  readonly packet: IpPacket;
  readonly connection: ConnectionProgress;
  startMicros: number;
  endMicros: number;
  readonly bytes: [number, number];
  readonly packets: [number, number];
  tcpFlags: number;
  started: number;
  completed: number;
  connectMicros: number;
  /** Bit of a side: that end is behind the interface that the packets were captured at. */
  localSides: number;
}

/** A connection that is silent this long is forgotten; its next packet begins a new one. */
const IDLE_MICROS = 10 * 60 * 1e6;

/**
 * Counts captured packets into flows by the probe's rules, one window at a time. Packets of different interfaces
 * are kept apart: each interface is a place of its own to see a connection from.
 */
export class FlowTable {
  readonly #connections = new Map<string, ConnectionProgress>();
  #window = new Map<string, Entry>();

  /** Counts a packet seen at an interface; `direction` is the capturing host's, where known. */
  count(
    packet: IpPacket,
    timeMicros: number,
    interfaceKey: string,
    direction: 'in' | 'out' | 'unknown',
  ): void {
    const sender = senderSide(packet);
    const key = connectionKey(packet, sender, interfaceKey);
    const entry = this.#window.get(key) ?? this.#begin(key, packet, sender, timeMicros);
    const { opened, closed, connectMicros } = followPacket(entry.connection, packet, sender, timeMicros);
    entry.started += opened;
    entry.completed += closed;
    entry.connectMicros = Math.max(entry.connectMicros, connectMicros);
    entry.endMicros = timeMicros;
    entry.bytes[sender] += packet.bytes;
    entry.packets[sender] += 1;
    entry.tcpFlags |= packet.tcpFlags;
    // A host receives (`in`) on a pod's interface what the pod sent, and sends what the pod will receive.
    if (direction === 'in') entry.localSides |= 1 << sender;
    if (direction === 'out') entry.localSides |= 1 << (1 - sender);
  }

  /** Ends the window: its flows, oriented client to server. */
  endWindow(): ObservedFlows {
    const entries = [...this.#window.values()];
    const flows = toColumns(entries);
    const now = entries.reduce((latest, { endMicros }) => Math.max(latest, endMicros), 0);
    this.#window = new Map();
    for (const [key, connection] of this.#connections) {
      if (connection.closed || now - connection.lastMicros > IDLE_MICROS) this.#connections.delete(key);
    }
    return flows;
  }

  #begin(key: string, packet: IpPacket, sender: 0 | 1, timeMicros: number): Entry {
    const known = this.#connections.get(key);
    const connection = known ?? newConnection(packet, sender, timeMicros);
    this.#connections.set(key, connection);
    const entry: Entry = {
      packet,
      connection,
      startMicros: timeMicros,
      endMicros: timeMicros,
      bytes: [0, 0],
      packets: [0, 0],
      tcpFlags: 0,
      // TCP tells its beginnings by SYN; of anything else the first packet is the beginning.
      started: known === undefined && packet.protocol !== PROTOCOL.tcp ? 1 : 0,
      completed: 0,
      connectMicros: 0,
      localSides: 0,
    };
    this.#window.set(key, entry);
    return entry;
  }
}

/** The side of the sender: ends are ordered by port, then by address, as in the probe's keys. */
function senderSide({ sourcePort, destinationPort, source, destination }: IpPacket): 0 | 1 {
  if (sourcePort !== destinationPort) return sourcePort > destinationPort ? 1 : 0;
  return Buffer.compare(source, destination) > 0 ? 1 : 0;
}

function connectionKey(packet: IpPacket, sender: 0 | 1, interfaceKey: string): string {
  const source = `${Buffer.from(packet.source).toString('latin1')}${packet.sourcePort}`;
  const destination = `${Buffer.from(packet.destination).toString('latin1')}${packet.destinationPort}`;
  const [low, high] = sender === 0 ? [source, destination] : [destination, source];
  return `${interfaceKey}|${packet.protocol}|${packet.bucket}|${low}|${high}`;
}

function toColumns(entries: readonly Entry[]): ObservedFlows {
  const columns = allocateObservedColumns(entries.length);
  const wide = {
    start: halvesOf(columns.start_time),
    end: halvesOf(columns.end_time),
    bytesOut: halvesOf(columns.bytes_out),
    bytesIn: halvesOf(columns.bytes_in),
    packetsOut: halvesOf(columns.packets_out),
    packetsIn: halvesOf(columns.packets_in),
  };
  for (const [row, entry] of entries.entries()) {
    const { packet, connection } = entry;
    const client = connection.client;
    const server = client === 0 ? 1 : 0;
    const fromClient = senderSide(packet) === client;
    columns.src_ip.set(fromClient ? packet.source : packet.destination, row * 16);
    columns.dst_ip.set(fromClient ? packet.destination : packet.source, row * 16);
    columns.src_port[row] = fromClient ? packet.sourcePort : packet.destinationPort;
    columns.dst_port[row] = fromClient ? packet.destinationPort : packet.sourcePort;
    columns.protocol[row] = packet.protocol;
    columns.icmp_type[row] = packet.icmpType;
    columns.icmp_code[row] = packet.icmpCode;
    columns.tcp_flags[row] = entry.tcpFlags;
    columns.sampling[row] = 1;
    columns.connections_started[row] = entry.started;
    columns.connections_completed[row] = entry.completed;
    columns.connect_us[row] = entry.connectMicros;
    columns.rtt_us[row] = entry.connectMicros;
    columns.rtt_min_us[row] = entry.connectMicros;
    columns.connection_state[row] = enumerationNumber('connection_state', connectionState(connection));
    columns.reporter[row] = enumerationNumber('reporter', reporterOf(entry.localSides, client));
    writeWide(wide.start, row, Math.floor(entry.startMicros / 1000));
    writeWide(wide.end, row, Math.floor(entry.endMicros / 1000));
    writeWide(wide.bytesOut, row, entry.bytes[client]);
    writeWide(wide.bytesIn, row, entry.bytes[server]);
    writeWide(wide.packetsOut, row, entry.packets[client]);
    writeWide(wide.packetsIn, row, entry.packets[server]);
  }
  return { rows: entries.length, columns };
}

/** Without a known end (a capture that does not tell directions) the record stands for both. */
function reporterOf(localSides: number, client: 0 | 1): 'src' | 'dst' | 'both' {
  if (localSides === 0 || localSides === 3) return 'both';
  return localSides === 1 << client ? 'src' : 'dst';
}
