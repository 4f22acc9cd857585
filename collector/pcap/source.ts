import { setTimeout as delay } from 'node:timers/promises';
import { probeWindows } from '../probe/windows.js';
import type { FlowSource, ObservedWindow } from '../source/flow-source.js';
import { CaptureCounts, type CaptureSummary } from './capture-counts.js';
import { captureStream } from './capture-stream.js';
import { compiledModule, ReplayModule, type ReplayTables } from './replay-module.js';

export interface CaptureSourceOptions {
  /** A pcap or pcapng file, perhaps compressed with gzip; `-` for standard input. */
  readonly file: string;
  readonly windowMs: number;
  /**
   * Plays the capture as if its first packet came now: times are moved, and windows come at the pace of the
   * recording. Without it the file is read as fast as possible and keeps its times.
   */
  readonly replay?: boolean;
  readonly tables?: ReplayTables;
  /** Called when the file has been read, as far as that was possible. */
  readonly onEnd?: (summary: CaptureSummary) => void;
}

/**
 * Reads the packets of a capture file into flows with the probe's own code. A file that is damaged, cut off or
 * unreadable ends the source like any other; the summary says what was wrong with it.
 * @throws ReplayNotBuiltError if that code is not built
 */
export function captureSource({
  file,
  windowMs,
  tables,
  onEnd,
  replay = false,
}: CaptureSourceOptions): FlowSource {
  compiledModule();
  const stopped = new AbortController();

  async function* windows(): AsyncGenerator<ObservedWindow> {
    // Here, so that the memory is released when the file has been read.
    const module = new ReplayModule(windowMs, tables);
    const counts = new CaptureCounts();
    const pace = replay ? (timeMs: number) => waitUntil(timeMs, stopped.signal) : undefined;
    const stream = captureStream({ file, windowMs, module, counts, pace, signal: stopped.signal });
    let counters: ReadonlyMap<string, number> = new Map();
    let problem: string | undefined;
    for await (const window of probeWindows(packetStream(stream, (reason) => (problem = reason)))) {
      counters = counts.with(window.counters, module.copiesSkipped);
      yield { ...window, counters };
    }
    onEnd?.(counts.summary(file, counters, problem));
  }

  return { windows, stop: () => stopped.abort() };
}

/** The bytes of a stream whose return value is the problem that ended it. */
async function* packetStream(
  stream: AsyncGenerator<Buffer, string | undefined>,
  onProblem: (reason: string | undefined) => void,
): AsyncGenerator<Buffer> {
  onProblem(yield* stream);
}

/** Waits until a moment (ms since 1970), or until stopped. */
async function waitUntil(timeMs: number, signal: AbortSignal): Promise<void> {
  const waitMs = timeMs - Date.now();
  if (waitMs <= 0 || signal.aborted) return;
  await delay(waitMs, undefined, { signal }).catch((error: unknown) => {
    // Being stopped is no failure; the caller looks at the signal.
    if (!signal.aborted) throw error;
  });
}
