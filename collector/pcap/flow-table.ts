import { enumerationNumber } from '@sonde/model/flow/enumerations';
import { allocateObservedColumns, type ObservedFlows } from '@sonde/model/flow/observed';
import type { ObservedColumns } from '@sonde/model/flow/records';
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

/** Observed fields that captured packets do not say anything of: their columns stay zero or empty. */
type NotCaptured =
  | 'retransmits'
  | 'dropped_packets'
  | 'dropped_bytes'
  | 'drop_reason'
  | 'tls_server_name'
  | 'vlan'
  | 'tunnel'
  | 'tunnel_id'
  | 'src_tunnel_ip'
  | 'dst_tunnel_ip'
  | 'src_process'
  | 'src_cgroup'
  | 'dst_process'
  | 'dst_cgroup'
  | 'dst_service_port'
  | 'dst_service_ip';

type CapturedField = Exclude<keyof ObservedColumns, NotCaptured>;

/** Writes one field of the flow of an entry into a row. */
type FieldWriter = (row: number, entry: Entry) => void;

function toColumns(entries: readonly Entry[]): ObservedFlows {
  const columns = allocateObservedColumns(entries.length);
  const writers = Object.values(fieldWriters(columns));
  for (const [row, entry] of entries.entries()) for (const write of writers) write(row, entry);
  return { rows: entries.length, columns };
}

/**
 * What writes each captured field. Exhaustive: a new observed field is a type error until it is written here or listed in
 * {@link NotCaptured}.
 */
function fieldWriters(columns: ObservedColumns): Readonly<Record<CapturedField, FieldWriter>> {
  const wide = {
    start: halvesOf(columns.start_time),
    end: halvesOf(columns.end_time),
    bytesOut: halvesOf(columns.bytes_out),
    bytesIn: halvesOf(columns.bytes_in),
    packetsOut: halvesOf(columns.packets_out),
    packetsIn: halvesOf(columns.packets_in),
  };
  return {
    start_time: (row, { startMicros }) => writeWide(wide.start, row, Math.floor(startMicros / 1000)),
    end_time: (row, { endMicros }) => writeWide(wide.end, row, Math.floor(endMicros / 1000)),
    reporter: (row, { localSides, connection }) =>
      (columns.reporter[row] = enumerationNumber('reporter', reporterOf(localSides, connection.client))),
    sampling: (row) => (columns.sampling[row] = 1),
    src_ip: (row, entry) => columns.src_ip.set(addressesOf(entry).client, row * 16),
    dst_ip: (row, entry) => columns.dst_ip.set(addressesOf(entry).server, row * 16),
    src_port: (row, entry) => (columns.src_port[row] = portsOf(entry).client),
    dst_port: (row, entry) => (columns.dst_port[row] = portsOf(entry).server),
    protocol: (row, { packet }) => (columns.protocol[row] = packet.protocol),
    icmp_type: (row, { packet }) => (columns.icmp_type[row] = packet.icmpType),
    icmp_code: (row, { packet }) => (columns.icmp_code[row] = packet.icmpCode),
    bytes_out: (row, { bytes, connection }) => writeWide(wide.bytesOut, row, bytes[connection.client]),
    bytes_in: (row, { bytes, connection }) => writeWide(wide.bytesIn, row, bytes[serverSide(connection)]),
    packets_out: (row, { packets, connection }) =>
      writeWide(wide.packetsOut, row, packets[connection.client]),
    packets_in: (row, { packets, connection }) =>
      writeWide(wide.packetsIn, row, packets[serverSide(connection)]),
    connections_started: (row, { started }) => (columns.connections_started[row] = started),
    connections_completed: (row, { completed }) => (columns.connections_completed[row] = completed),
    tcp_flags: (row, { tcpFlags }) => (columns.tcp_flags[row] = tcpFlags),
    connection_state: (row, { connection }) =>
      (columns.connection_state[row] = enumerationNumber('connection_state', connectionState(connection))),
    rtt_us: (row, { connectMicros }) => (columns.rtt_us[row] = connectMicros),
    rtt_min_us: (row, { connectMicros }) => (columns.rtt_min_us[row] = connectMicros),
    connect_us: (row, { connectMicros }) => (columns.connect_us[row] = connectMicros),
  };
}

function serverSide({ client }: ConnectionProgress): 0 | 1 {
  return client === 0 ? 1 : 0;
}

function isFromClient({ packet, connection }: Entry): boolean {
  return senderSide(packet) === connection.client;
}

function addressesOf(entry: Entry): { readonly client: Uint8Array; readonly server: Uint8Array } {
  const { source, destination } = entry.packet;
  return isFromClient(entry)
    ? { client: source, server: destination }
    : { client: destination, server: source };
}

function portsOf(entry: Entry): { readonly client: number; readonly server: number } {
  const { sourcePort, destinationPort } = entry.packet;
  return isFromClient(entry)
    ? { client: sourcePort, server: destinationPort }
    : { client: destinationPort, server: sourcePort };
}

/** Without a known end (a capture that does not tell directions) the record stands for both. */
function reporterOf(localSides: number, client: 0 | 1): 'src' | 'dst' | 'both' {
  if (localSides === 0 || localSides === 3) return 'both';
  return localSides === 1 << client ? 'src' : 'dst';
}
