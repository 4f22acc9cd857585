import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import { openChdbStore } from '@sonde/backbone/store/chdb-store';
import { createDirectTransport } from '@sonde/backbone/transport/direct';
import { runCollector } from '@sonde/collector/collector';
import { countersPayload, flowsPayload, frame } from '@sonde/collector/probe/build-frames';
import { probeWindows } from '@sonde/collector/probe/windows';
import { contextFromObjects } from '@sonde/enricher/context';
import { runEnricher } from '@sonde/enricher/enricher';
import type { KubernetesObject } from '@sonde/model/cluster/objects';

const PODS = 1000;
const WINDOWS = 40;
const FLOWS_A_WINDOW = 25_000;
const START_MICROS = Date.parse('2026-03-01T10:00:00Z') * 1000;
const WINDOW_MICROS = 5_000_000;

/** The embedded pipeline from a probe's bytes to the store's acknowledgement, everything in this one process. */
export async function run(): Promise<Record<string, number>> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sonde-bench-pipeline-'));
  const log = createLogger('bench', 'warn');
  const store = await openChdbStore({ directory, log });
  try {
    await store.migrate();
    const { context } = contextFromObjects(Array.from({ length: PODS }, (_, number) => pod(number)));
    const windows = Array.from({ length: WINDOWS }, (_, number) => windowFrames(number));

    const transport = createDirectTransport({ firstOffset: 0, capacity: 4 });
    const start = performance.now();
    const enricher = runEnricher({
      consumer: transport,
      store,
      contextOf: () => context,
      log,
    });
    const source = { windows: () => probeWindows(stream(windows)), stop: () => undefined };
    await runCollector({ cluster: 'bench', node: 'node-1', source, publisher: transport });
    transport.close();
    await enricher;
    const seconds = (performance.now() - start) / 1000;

    const [stored] = await store.query<{ rows: string }>('SELECT count() AS rows FROM flows');
    if (Number(stored?.rows) !== WINDOWS * FLOWS_A_WINDOW) {
      throw new Error(`${stored?.rows ?? 'no'} rows stored of ${WINDOWS * FLOWS_A_WINDOW}`);
    }
    return { 'pipeline.flowsPerSecond': (WINDOWS * FLOWS_A_WINDOW) / seconds };
  } finally {
    await store.close();
    await rm(directory, { recursive: true });
  }
}

async function* stream(windows: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const window of windows) {
    // As a pipe gives them: in pieces, with the event loop between.
    for (let at = 0; at < window.length; at += 65_536) yield window.subarray(at, at + 65_536);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function windowFrames(window: number): Buffer {
  const startMicros = START_MICROS + window * WINDOW_MICROS;
  const flows = Array.from({ length: FLOWS_A_WINDOW }, (_, number) => ({
    sourceAddress: address(number % PODS),
    destinationAddress: address((number * 7 + 1) % PODS),
    sourcePort: 32_768 + ((number * 13 + window) % 28_000),
    destinationPort: [8080, 443, 5432, 6379][number % 4] ?? 0,
    startMicros: startMicros + number * 100,
    endMicros: startMicros + number * 100 + 50_000,
    bytesOut: 500 + ((number * 31) % 9000),
    bytesIn: 2000 + ((number * 17) % 90_000),
    packetsOut: 5 + (number % 10),
    packetsIn: 6 + (number % 20),
    connectionsStarted: 1,
    connectionsCompleted: 1,
    rttMicros: 200 + (number % 500),
    rttMinMicros: 150,
    connectMicros: 300 + (number % 500),
    tcpFlags: 0x1b,
    connectionState: 3,
  }));
  const sequence = window * 2;
  return Buffer.concat([
    frame(2, flowsPayload(flows), sequence),
    frame(3, countersPayload(startMicros + WINDOW_MICROS), sequence + 1),
  ]);
}

function pod(number: number): KubernetesObject {
  const workload = `workload-${Math.floor(number / 8)}`;
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${workload}-${number}`,
      namespace: `namespace-${number % 20}`,
      labels: { app: workload, team: `team-${number % 9}` },
      ownerReferences: [{ kind: 'StatefulSet', name: workload, controller: true }],
    },
    spec: { nodeName: `node-${number % 30}` },
    status: { phase: 'Running', podIPs: [{ ip: address(number) }] },
  };
  return object;
}

function address(pod: number): string {
  return `10.244.${pod >> 8}.${pod & 255}`;
}
