import type { ObservedWindow } from '../source/flow-source.js';
import { dnsColumns } from './dns-columns.js';
import { type FlowRecords, toColumns } from './flow-records.js';
import { type Frame, FrameReader } from './frames.js';
import { MalformedPayloadError } from './malformed-payload.js';
import { ProbeNames } from './names.js';
import { type DnsTransaction, type ProbeHello, readMessage, type WatchedInterface } from './messages.js';

/** Messages of a probe besides flows. */
export interface ProbeEvents {
  onHello?(hello: ProbeHello): void;
  onInterfaces?(interfaces: readonly WatchedInterface[]): void;
  /** DNS lookups; they are also in the windows. */
  onDns?(transactions: readonly DnsTransaction[]): void;
  /** A frame was discarded; it is also counted. */
  onFault?(reason: string): void;
}

/** A window with more flows and lookups is yielded in several parts, to bound memory. */
const MAX_WINDOW_ROWS = 250_000;

/**
 * Reads the byte stream of a probe into windows. Damage costs only the damaged frames: faults are counted in the windows'
 * counters with the prefix `stream_`, lost data with `lost_`.
 */
export async function* probeWindows(
  stream: AsyncIterable<Buffer>,
  events: ProbeEvents = {},
): AsyncGenerator<ObservedWindow> {
  const reader = new FrameReader();
  const payloadFaults = { malformed: 0, unknownType: 0 };
  let probeCounters: ReadonlyMap<string, number> = new Map();
  const names = new ProbeNames();
  let pending: FlowRecords[] = [];
  let pendingDns: DnsTransaction[] = [];
  let pendingRows = 0;

  for await (const chunk of stream) {
    for (const frame of reader.push(chunk)) {
      const message = messageOf(frame);
      switch (message?.type) {
        case 'hello':
          events.onHello?.(message.hello);
          break;
        case 'interfaces':
          events.onInterfaces?.(message.interfaces);
          break;
        case 'flows':
          pending.push(message.records);
          pendingRows += message.records.count;
          if (pendingRows > MAX_WINDOW_ROWS) yield window();
          break;
        case 'counters':
          probeCounters = message.counters;
          yield window();
          break;
        case 'dns':
          events.onDns?.(message.transactions);
          pendingDns.push(...message.transactions);
          pendingRows += message.transactions.length;
          if (pendingRows > MAX_WINDOW_ROWS) yield window();
          break;
        case 'unknown':
          payloadFaults.unknownType += 1;
          break;
        case 'names':
          names.add(message.table, message.names);
          break;
        case undefined:
          break;
      }
    }
  }
  reader.end();
  // Flows since the end of the last window, and the faults at the end of the stream, are reported too.
  yield window();

  function messageOf(frame: Frame) {
    try {
      return readMessage(frame);
    } catch (error) {
      if (!(error instanceof MalformedPayloadError)) throw error;
      payloadFaults.malformed += 1;
      events.onFault?.(error.message);
      return undefined;
    }
  }

  function window(): ObservedWindow {
    const flows = toColumns(pending, names);
    const dns = pendingDns;
    pending = [];
    pendingDns = [];
    pendingRows = 0;
    return { ...flows, ...(dns.length > 0 && { dns: dnsColumns(dns) }), counters: counters() };
  }

  function counters(): Map<string, number> {
    const { bytesSkipped, oversized, wrongVersion, truncated, missing } = reader.faults;
    return new Map([
      ...probeCounters,
      ['stream_bytes_skipped', bytesSkipped],
      ['lost_frames_oversized', oversized],
      ['lost_frames_wrong_version', wrongVersion],
      ['lost_frames_truncated', truncated],
      ['lost_frames_missing', missing],
      ['lost_frames_malformed', payloadFaults.malformed],
      ['stream_frames_unknown_type', payloadFaults.unknownType],
    ]);
  }
}
