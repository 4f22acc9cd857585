import type { ObservedWindow } from '../source/flow-source.js';
import { dnsColumns } from './dns-columns.js';
import { type FlowRecords, toColumns } from './flow-records.js';
import { type Frame, FrameReader } from './frames.js';
import { MalformedPayloadError } from './malformed-payload.js';
import { ProbeNames } from './names.js';
import { type DnsTransaction, type ProbeHello, readMessage, type WatchedInterface } from './messages.js';

/** What a probe tells besides flows, for whoever wants to log it. */
export interface ProbeEvents {
  onHello?(hello: ProbeHello): void;
  onInterfaces?(interfaces: readonly WatchedInterface[]): void;
  /** Lookups as the probe tells them; they are in the windows too. */
  onDns?(transactions: readonly DnsTransaction[]): void;
  /** A frame could not be used; it is counted as well. */
  onFault?(reason: string): void;
}

/** A window with more flows and lookups than this is handed on in several parts, so that memory stays bounded. */
const MAX_WINDOW_ROWS = 250_000;

/**
 * Reads a probe's byte stream into windows. A damaged stream costs only the frames that were damaged: each
 * fault is counted in the windows' counters under a `stream_` name, lost flows under `lost_`.
 */
export async function* probeWindows(
  stream: AsyncIterable<Buffer>,
  events: ProbeEvents = {},
): AsyncGenerator<ObservedWindow> {
  const reader = new FrameReader();
  const payloadFaults = { malformed: 0, unknownType: 0 };
  let probeCounters: ReadonlyMap<string, number> = new Map();
  const names = new ProbeNames();
  let waiting: FlowRecords[] = [];
  let waitingDns: DnsTransaction[] = [];
  let waitingRows = 0;

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
          waiting.push(message.records);
          waitingRows += message.records.count;
          if (waitingRows > MAX_WINDOW_ROWS) yield window();
          break;
        case 'counters':
          probeCounters = message.counters;
          yield window();
          break;
        case 'dns':
          events.onDns?.(message.transactions);
          waitingDns.push(...message.transactions);
          waitingRows += message.transactions.length;
          if (waitingRows > MAX_WINDOW_ROWS) yield window();
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
  // What came since the last window's end, and the faults that ended the stream, are reported too.
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
    const flows = toColumns(waiting, names);
    const dns = waitingDns;
    waiting = [];
    waitingDns = [];
    waitingRows = 0;
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
