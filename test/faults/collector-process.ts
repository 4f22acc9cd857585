import { openSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '@sonde/backbone/logging';
import { Readiness } from '@sonde/backbone/metrics/readiness';
import { startCollector } from '@sonde/collector/service';
import type { FlowSource, ObservedWindow } from '@sonde/collector/source/flow-source';
import { observedDns } from '../builders/dns.js';
import { observedFlows } from '../builders/observed-flows.js';
import { Registry } from 'prom-client';
import type { CollectorSettings, LedgerLine } from './ledger.js';

/**
 * A collector like `sonde collector` with synthetic traffic, in its own process so that it can be killed. It records in
 * the ledger when it starts to publish a window and when the window is safe. A flow is identified by its window's name
 * (`tls_server_name`) and its number in the window (`src_port`), a lookup by the window's name in `query_name`.
 */
const settings = JSON.parse(process.argv[2] ?? '') as CollectorSettings;
const ledger = openSync(settings.ledgerFile, 'a');
const note = (line: LedgerLine) => writeSync(ledger, `${JSON.stringify(line)}\n`);

const registry = new Registry();
const collector = await startCollector({
  cluster: settings.cluster,
  node: settings.node,
  source: madeUpSource(),
  connection: { brokers: settings.brokers, clientId: `test-${settings.node}`, prefix: settings.prefix },
  topics: { partitions: settings.partitions, retentionHours: 1 },
  spoolDirectory: settings.spoolDirectory,
  maxSpoolBytes: settings.maxSpoolBytes,
  drainMs: settings.drainMs,
  registry,
  readiness: new Readiness(),
  log: createLogger(settings.node, settings.logLevel),
});
process.once('SIGTERM', () => void end());

async function end(): Promise<void> {
  await collector.stop();
  const lost = registry.getSingleMetric('sonde_spool_lost_records_total');
  const flows = (await lost?.get())?.values.find(({ labels }) => labels['type'] === 'flow');
  console.log(JSON.stringify({ lostFlows: flows?.value }));
}

/** The request for the next window means that the last one was published. */
function madeUpSource(): FlowSource {
  const stopping = new AbortController();
  return {
    async *windows() {
      for (let number = 0; !stopping.signal.aborted && number < settings.maxWindows; number++) {
        const name = `${settings.generation}.${number}`;
        note({ node: settings.node, window: name, rows: settings.rowsPerWindow, state: 'begun' });
        yield madeUpWindow(name);
        note({ node: settings.node, window: name, rows: settings.rowsPerWindow, state: 'safe' });
        await delay(settings.windowMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    },
    stop: () => stopping.abort(),
  };
}

function madeUpWindow(name: string): ObservedWindow {
  const startTime = Date.now() + settings.clockAheadMs;
  const flows = Array.from({ length: settings.rowsPerWindow }, (_, number) => ({
    start_time: startTime + number,
    end_time: startTime + number,
    src_ip: '10.0.0.1',
    dst_ip: '198.51.100.1',
    src_port: number,
    dst_port: 443,
    protocol: 6,
    tls_server_name: name,
  }));
  const lookup = { start_time: startTime, src_ip: '10.0.0.1', dst_ip: '10.0.0.2', query_name: name };
  return { ...observedFlows(flows), dns: observedDns([lookup]), counters: new Map() };
}
