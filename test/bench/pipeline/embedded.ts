import { createLogger } from '@sonde/backbone/logging';
import { openChdbStore } from '@sonde/backbone/store/chdb/chdb-store';
import type { FlowStore } from '@sonde/backbone/store/store';
import { createInProcessTransport } from '@sonde/backbone/transport/in-process/in-process';
import { DIRECT_CAPACITY } from '@sonde/cli/up/pipe';
import { runCollector } from '@sonde/collector/collector';
import { countersPayload, flowsPayload, frame } from '../../builders/probe-frames.js';
import { probeWindows } from '@sonde/collector/probe/windows';
import { contextFromObjects } from '@sonde/enricher/pipeline/context';
import { runEnricher } from '@sonde/enricher/pipeline/enricher';
import { enumerationNumber } from '@sonde/model/flow/enumerations';
import { observedFlowFields } from '@sonde/model/flow/observed';
import { recordRow } from '@sonde/model/record/rows';
import { printStages, startCpuMeter } from '../measure/cpu-use.js';
import { inTemporaryDirectory } from '../measure/temporary-directory.js';
import { type SyntheticCluster, syntheticCluster } from '../synthetic/cluster.js';
import { manifestsOf } from '../synthetic/manifests.js';
import { WINDOW_MS, windowBatches } from '../synthetic/traffic.js';
import { collectorStages, enricherStages } from './stages.js';

const WINDOWS = 20;
const CONNECTIONS_A_WINDOW = 20_000;
const START_MS = Date.parse('2026-03-01T10:00:00Z');

/**
 * Measures the embedded pipeline in one process, from the probe's bytes to the acknowledgement of the store: flows of
 * 10,000 pods from one node, in windows of about 36,000.
 */
export function embedded(): Promise<Record<string, number>> {
  return inTemporaryDirectory('pipeline', async (directory) => {
    const store = await openChdbStore({ directory, log: createLogger('bench', 'warn') });
    try {
      await store.migrate();
      return await measure(store);
    } finally {
      await store.close();
    }
  });
}

async function measure(store: FlowStore): Promise<Record<string, number>> {
  const log = createLogger('bench', 'warn');
  const cluster = syntheticCluster();
  const { context } = contextFromObjects(manifestsOf(cluster));
  const windows = Array.from({ length: WINDOWS }, (_, number) => windowOf(cluster, number));
  const flows = windows.reduce((sum, window) => sum + window.flows, 0);
  const transport = createInProcessTransport({ firstOffset: 0, capacity: DIRECT_CAPACITY });
  const source = {
    windows: () => probeWindows(stream(windows.map(({ bytes }) => bytes))),
    stop: () => undefined,
  };

  const start = performance.now();
  const meter = await startCpuMeter([...collectorStages, ...enricherStages]);
  const enricher = runEnricher({
    ...{ consumer: transport, store, contextOf: () => context, log },
    reusesMemory: true,
  });
  await runCollector({ cluster: 'production', node: 'node-1', source, publisher: transport });
  transport.close();
  await enricher;
  const use = await meter.end();
  const seconds = (performance.now() - start) / 1000;

  const [stored] = await store.query<{ rows: string }>('SELECT count() AS rows FROM flows');
  if (Number(stored?.rows) !== flows) throw new Error(`${stored?.rows ?? 'no'} rows stored of ${flows}`);
  printStages('probe to store in one process', use, flows);
  return {
    'pipeline.embeddedFlowsPerSecond': flows / seconds,
    'pipeline.embeddedCpuSecondsPerMillionFlows': (use.processSeconds / flows) * 1e6,
  };
}

async function* stream(windows: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const window of windows) {
    // In chunks, yielding to the event loop, as from a pipe.
    for (let at = 0; at < window.length; at += 65_536) yield window.subarray(at, at + 65_536);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The probe's frames of one window. */
function windowOf(cluster: SyntheticCluster, window: number): { bytes: Buffer; flows: number } {
  const shape = { window, connections: CONNECTIONS_A_WINDOW, startMs: START_MS };
  const flows = windowBatches(cluster, shape).flatMap(({ rows, columns }) =>
    Array.from({ length: rows }, (_, row) => probeFlow(recordRow(observedFlowFields, columns, row))),
  );
  const sequence = window * 2;
  const endMicros = (START_MS + (window + 1) * WINDOW_MS) * 1000;
  const bytes = Buffer.concat([
    frame(2, flowsPayload(flows), sequence),
    frame(3, countersPayload(endMicros), sequence + 1),
  ]);
  return { bytes, flows: flows.length };
}

type ObservedFlow = ReturnType<typeof recordRow<(typeof observedFlowFields)[number]>>;

function probeFlow(flow: ObservedFlow) {
  return {
    sourceAddress: flow.src_ip,
    destinationAddress: flow.dst_ip,
    serviceAddress: flow.dst_service_ip,
    servicePort: flow.dst_service_port,
    sourcePort: flow.src_port,
    destinationPort: flow.dst_port,
    protocol: flow.protocol,
    startMicros: Date.parse(flow.start_time) * 1000,
    endMicros: Date.parse(flow.end_time) * 1000,
    bytesOut: flow.bytes_out,
    bytesIn: flow.bytes_in,
    packetsOut: flow.packets_out,
    packetsIn: flow.packets_in,
    connectionsStarted: flow.connections_started,
    connectionsCompleted: flow.connections_completed,
    rttMicros: flow.rtt_us,
    rttMinMicros: flow.rtt_min_us,
    connectMicros: flow.connect_us,
    tcpFlags: flow.tcp_flags,
    connectionState: enumerationNumber('connection_state', flow.connection_state),
  };
}
