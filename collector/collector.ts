import type { FlowPublisher } from '@sonde/backbone/transport/interface/transport';
import { FLOW_SCHEMA_VERSION, type FlowBatch } from '@sonde/model/batch/batch';
import { observedFlowFields } from '@sonde/model/flow/observed';
import { sliceColumns } from '@sonde/model/record/slice-columns';
import type { FlowSource, ObservedWindow } from './source/flow-source.js';
import { removeInvalidTimes } from './source/valid-times.js';

export interface CollectorOptions {
  readonly cluster: string;
  /** Kubernetes name of the node. */
  readonly node: string;
  readonly source: FlowSource;
  readonly publisher: FlowPublisher;
  readonly observer?: CollectorObserver;
}

/** Receives what a collector publishes, for metrics. */
export interface CollectorObserver {
  /** Called after a window was published, with the source's cumulative counters. */
  onWindow(node: string, flows: number, counters: ReadonlyMap<string, number>): void;
}

/** Flows in a batch: a few hundred KiB on the wire. */
const MAX_BATCH_FLOWS = 16_384;

/**
 * Publishes the flows and DNS lookups of a source until it ends: one batch per window, or several if the window has many
 * flows. A window without flows is published only if its losses changed, so that losses are reported without traffic.
 * Records with invalid times are not published but counted as lost.
 * @throws the errors of the source and of the publisher.
 */
export async function runCollector({
  cluster,
  node,
  source,
  publisher,
  observer,
}: CollectorOptions): Promise<void> {
  let sequence = 0;
  let reportedLosses = '{}';
  let [invalidFlows, invalidLookups] = [0, 0];
  for await (const observed of source.windows()) {
    const valid = removeInvalidTimes(observed);
    invalidFlows += valid.invalidFlows;
    invalidLookups += valid.invalidLookups;
    const counters = new Map(observed.counters)
      .set('lost_flows_invalid_time', invalidFlows)
      .set('lost_lookups_invalid_time', invalidLookups);
    const window: ObservedWindow = { ...valid.window, counters };
    const losses = lossesAmong(window.counters);
    const changed = JSON.stringify(losses) !== reportedLosses;
    if (window.rows > 0 || window.dns || changed) {
      reportedLosses = JSON.stringify(losses);
      for (const part of partsOf(window)) {
        await publisher.publish({
          schemaVersion: FLOW_SCHEMA_VERSION,
          cluster,
          node,
          sequence,
          losses,
          ...part,
        });
        sequence += 1;
      }
    }
    observer?.onWindow(node, window.rows, window.counters);
  }
}

/** Splits a window into batches. The first one has the DNS lookups: the enricher needs them before the flows. */
function* partsOf({
  rows,
  columns,
  dns,
}: ObservedWindow): Generator<Pick<FlowBatch, 'rows' | 'columns' | 'dns'>> {
  if (rows <= MAX_BATCH_FLOWS) {
    yield { rows, columns, ...(dns && { dns }) };
    return;
  }
  for (let start = 0; start < rows; start += MAX_BATCH_FLOWS) {
    const end = Math.min(rows, start + MAX_BATCH_FLOWS);
    const part = sliceColumns(observedFlowFields, columns, start, end);
    yield { rows: end - start, columns: part, ...(start === 0 && dns && { dns }) };
  }
}

function lossesAmong(counters: ReadonlyMap<string, number>): Record<string, number> {
  const losses: Record<string, number> = {};
  for (const [name, count] of counters) {
    if (name.startsWith('lost_') && count > 0) losses[name.slice('lost_'.length)] = count;
  }
  return losses;
}
