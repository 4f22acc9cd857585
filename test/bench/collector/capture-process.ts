import type { CaptureSummary } from '@sonde/collector/pcap/capture-counts';
import { captureSource } from '@sonde/collector/pcap/source';
import { cpuSeconds } from '../measure/cpu-use.js';

/** What it costs to read a capture file. */
export interface CaptureReport {
  readonly packets: number;
  /** Why not all of them were read. */
  readonly problem?: string | undefined;
  readonly flows: number;
  /** Of all threads of the process. */
  readonly cpuSeconds: number;
  /** Peak memory of the process. */
  readonly peakMebibytes: number;
}

/** Interval of `sonde up`. */
const WINDOW_MS = 2000;

/** A process of its own that reads the capture file of its argument into windows and reports the costs. */
const [file = ''] = process.argv.slice(2);
const begun = cpuSeconds();
let flows = 0;
let summary: Pick<CaptureSummary, 'packets' | 'problem'> = { packets: 0, problem: undefined };
const source = captureSource({ file, windowMs: WINDOW_MS, onEnd: (end) => (summary = end) });
for await (const window of source.windows()) flows += window.rows;
const report: CaptureReport = {
  packets: summary.packets,
  problem: summary.problem,
  flows,
  cpuSeconds: cpuSeconds(begun).processSeconds,
  peakMebibytes: process.resourceUsage().maxRSS / 1024,
};
process.send?.(report);
