import type { FlowPublisher } from '@sonde/backbone/transport/transport';
import { FLOW_SCHEMA_VERSION } from '@sonde/model/flow/batch';
import type { FlowSource } from './source.js';

export interface CollectorOptions {
  readonly cluster: string;
  /** Name of the node, as Kubernetes knows it. */
  readonly node: string;
  readonly source: FlowSource;
  readonly publisher: FlowPublisher;
  readonly observer?: CollectorObserver;
}

/** What happens in a collector, for metrics. */
export interface CollectorObserver {
  /** A window was published; counters are the source's, cumulative. */
  onWindow(node: string, flows: number, counters: ReadonlyMap<string, number>): void;
}

/**
 * Publishes a source's flows and look-ups until the source ends, one batch a window. A window without any is
 * published only if its losses have changed, so that losses become known without traffic.
 * @throws whatever the source or the publisher throws.
 */
export async function runCollector({
  cluster,
  node,
  source,
  publisher,
  observer,
}: CollectorOptions): Promise<void> {
  let sequence = 0;
  let reportedLosses = '';
  for await (const { rows, columns, dns, counters } of source.windows()) {
    const losses = lossesAmong(counters);
    const changed = JSON.stringify(losses) !== reportedLosses;
    if (rows > 0 || dns || changed) {
      reportedLosses = JSON.stringify(losses);
      await publisher.publish({
        schemaVersion: FLOW_SCHEMA_VERSION,
        cluster,
        node,
        sequence,
        rows,
        columns,
        ...(dns && { dns }),
        losses,
      });
      sequence += 1;
    }
    observer?.onWindow(node, rows, counters);
  }
}

function lossesAmong(counters: ReadonlyMap<string, number>): Record<string, number> {
  const losses: Record<string, number> = {};
  for (const [name, count] of counters) {
    if (name.startsWith('lost_') && count > 0) losses[name.slice('lost_'.length)] = count;
  }
  return losses;
}
