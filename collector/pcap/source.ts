import { setTimeout as delay } from 'node:timers/promises';
import type { FlowSource, ObservedWindow } from '../source/flow-source.js';
import { type CapturedPacket, readCapture } from './capture-file.js';
import { FlowTable } from './flow-table.js';
import { readIpPacket } from './ip-packet.js';
import { linkLayer } from './link-layer.js';

export interface CaptureSourceOptions {
  readonly file: string;
  readonly windowMs: number;
  /**
   * Plays the capture as if its first packet came now: times are moved, and windows come at the pace of the
   * recording. Without it the file is read as fast as possible and keeps its times.
   */
  readonly replay?: boolean;
}

/** Reads a capture file's packets into flows by the probe's rules. */
export function captureSource({ file, windowMs, replay = false }: CaptureSourceOptions): FlowSource {
  const stopped = new AbortController();
  const windowMicros = windowMs * 1000;

  async function* windows(): AsyncGenerator<ObservedWindow> {
    const table = new FlowTable();
    const counters = { packets_seen: 0, packets_not_ip: 0, packets_malformed: 0 };
    let windowEndMicros: number | undefined;
    let shiftMicros = 0;
    const window = (): ObservedWindow => ({
      ...table.endWindow(),
      counters: new Map(Object.entries(counters)),
    });

    for await (const packet of readCapture(file)) {
      if (windowEndMicros === undefined) {
        if (replay) shiftMicros = Date.now() * 1000 - packet.timeMicros;
        windowEndMicros = packet.timeMicros + shiftMicros + windowMicros;
      }
      const timeMicros = packet.timeMicros + shiftMicros;
      while (timeMicros >= windowEndMicros) {
        if (replay) await until(windowEndMicros / 1000, stopped.signal);
        if (stopped.signal.aborted) return;
        yield window();
        // A silence longer than a window makes no empty windows.
        const silent = Math.floor((timeMicros - windowEndMicros) / windowMicros);
        windowEndMicros += (replay ? 1 : silent + 1) * windowMicros;
      }
      countPacket(packet, timeMicros, table, counters);
    }
    if (windowEndMicros !== undefined) {
      if (replay) await until(windowEndMicros / 1000, stopped.signal);
      yield window();
    }
  }

  return { windows, stop: () => stopped.abort() };
}

function countPacket(
  { linkType, bytes, wireBytes, interfaceNumber }: CapturedPacket,
  timeMicros: number,
  table: FlowTable,
  counters: { packets_seen: number; packets_not_ip: number; packets_malformed: number },
): void {
  counters.packets_seen += 1;
  const link = linkLayer(linkType, bytes);
  if (!link) {
    counters.packets_not_ip += 1;
    return;
  }
  const packet = readIpPacket(bytes, link.ipOffset, wireBytes);
  if (packet) table.count(packet, timeMicros, `${interfaceNumber}/${link.interfaceIndex}`, link.direction);
  else counters.packets_malformed += 1;
}

/** Waits until a moment (ms since 1970), or until stopped. */
async function until(timeMs: number, signal: AbortSignal): Promise<void> {
  const waitMs = timeMs - Date.now();
  if (waitMs <= 0 || signal.aborted) return;
  await delay(waitMs, undefined, { signal }).catch((error: unknown) => {
    // Being stopped is no failure; the caller looks at the signal.
    if (!signal.aborted) throw error;
  });
}
