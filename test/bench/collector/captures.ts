import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { inTemporaryDirectory } from '../measure/temporary-directory.js';
import type { CaptureReport } from './capture-process.js';
import { type CaptureTraffic, writeCapture } from './capture-traffic.js';

const MANY_PACKETS: CaptureTraffic = { packets: 2_000_000, connections: 10_000, payloadBytes: 100 };
const MANY_CONNECTIONS: CaptureTraffic = { packets: 2_000_000, connections: 1_000_000, payloadBytes: 0 };

/** What it costs to read capture files into windows of flows, each file in a process of its own. */
export async function run(): Promise<Record<string, number>> {
  return inTemporaryDirectory('collector', async (directory) => {
    const packets = await measure(path.join(directory, 'packets.pcap'), MANY_PACKETS);
    const connections = await measure(path.join(directory, 'connections.pcap'), MANY_CONNECTIONS);
    return {
      'collector.capturePacketsPerCpuSecond': packets.packets / packets.cpuSeconds,
      'collector.captureFlowsPerCpuSecond': connections.flows / connections.cpuSeconds,
      'collector.captureMillionConnectionsPeakMebibytes': connections.peakMebibytes,
    };
  });
}

async function measure(file: string, traffic: CaptureTraffic): Promise<CaptureReport> {
  await writeCapture(file, traffic);
  const child = fork(path.join(import.meta.dirname, 'capture-process.js'), [file]);
  const [report] = (await once(child, 'message')) as [CaptureReport];
  if (report.packets !== traffic.packets)
    throw new Error(`only ${report.packets} packets were read: ${report.problem ?? 'no problem'}`);
  return report;
}
