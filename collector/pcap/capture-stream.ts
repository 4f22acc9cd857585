import { captureBytes, MAX_CHUNK_BYTES, STANDARD_INPUT } from './capture-bytes.js';
import type { CaptureCounts } from './capture-counts.js';
import { CaptureFileError } from './capture-error.js';
import { captureFormat, checkEnd } from './capture-format.js';
import type { CaptureFormat } from './captured-packet.js';
import { type DueWindow, PacketCounter } from './packet-counter.js';
import { ReplayFailedError, type ReplayModule } from './replay-module.js';

export interface CaptureStreamOptions {
  readonly file: string;
  readonly windowMs: number;
  readonly module: ReplayModule;
  readonly counts: CaptureCounts;
  /** Resolves when a time (ms since 1970) has come; with it, times are moved so that the first packet comes now. */
  readonly pace: ((timeMs: number) => Promise<void>) | undefined;
  readonly signal: AbortSignal;
}

/**
 * Counts the packets of a file and yields the probe's stream of them. Windows end by the packets' times, and early when
 * the probe's table is filling up. Returns why the file was not read to its end; undefined if it was.
 */
export async function* captureStream(
  options: CaptureStreamOptions,
): AsyncGenerator<Buffer, string | undefined> {
  const { file, module, counts, windowMs, pace, signal } = options;
  const counter = new PacketCounter(module, counts, windowMs, pace !== undefined);
  let problem: string | undefined;
  yield* module.takeOutput();
  try {
    yield* read();
  } catch (error) {
    problem = `${file === STANDARD_INPUT ? 'standard input' : file}: ${reasonOf(error)}`;
    if (error instanceof ReplayFailedError) return problem;
  }
  const last = counter.lastWindow;
  if (last) yield* ended(last);
  return problem;

  async function* read(): AsyncGenerator<Buffer> {
    let format: CaptureFormat | undefined;
    for await (const chunk of captureBytes(file, signal)) {
      for (let at = 0; at < chunk.length; at += MAX_CHUNK_BYTES) {
        module.input.append(chunk.subarray(at, at + MAX_CHUNK_BYTES));
        format ??= captureFormat(module.input);
        if (!format) continue;
        for (let due = counter.countUntilDue(format); due; due = counter.countUntilDue(format)) {
          yield* ended(due);
          if (signal.aborted) return;
        }
      }
    }
    if (!signal.aborted) checkEnd(module.input, format);
  }

  async function* ended({ endMicros, isLast }: DueWindow): AsyncGenerator<Buffer> {
    await pace?.(endMicros / 1000);
    module.endWindow(endMicros, isLast);
    yield* module.takeOutput();
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof CaptureFileError) return error.message;
  if (error instanceof ReplayFailedError) return `its packets cannot be counted: ${error.message}`;
  throw error;
}
