import { createLogger } from '@sonde/backbone/logging';
import type { FlowStore, RecordBlock } from '@sonde/backbone/store/store';
import type { DeliveredBatch } from '@sonde/backbone/transport/transport';
import { batchOf } from '@sonde/model/flow/build-batch';
import { observedFlows } from '@sonde/model/flow/build-observed';
import { flowRow } from '@sonde/model/flow/rows';
import { expect, it } from 'vitest';
import { contextFromObjects, type EnrichmentContext } from './context.js';
import { runEnricher } from './enricher.js';

const ADDRESS = '10.0.0.1';

/** A cluster where a pod of that name and namespace holds the address. */
function clusterWith(pod: string, workload: string): EnrichmentContext {
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...{ name: pod, namespace: 'shop' },
      ownerReferences: [{ kind: 'StatefulSet', name: workload, controller: true }],
    },
    status: { phase: 'Running', podIPs: [{ ip: ADDRESS }] },
  };
  return contextFromObjects([object]).context;
}

function delivered(cluster: string, offset: number): DeliveredBatch {
  const flows = observedFlows([
    { src_ip: ADDRESS, dst_ip: '198.51.100.1', start_time: 1000, end_time: 1000 },
  ]);
  const batch = batchOf(flows, { cluster, sequence: offset });
  return { batch, partition: 0, offset };
}

/** The flows that an enricher stores of batches that came together, block by block. */
async function stored(
  batches: readonly DeliveredBatch[],
  contexts: Readonly<Record<string, EnrichmentContext>>,
) {
  const blocks: { cluster: string; workload: string; offset: number }[][] = [];
  const store: Pick<FlowStore, 'insert'> = {
    insert({ flows }: RecordBlock) {
      const rows = Array.from({ length: flows?.rows ?? 0 }, (_, row) => flows && flowRow(flows.columns, row));
      blocks.push(
        rows.flatMap((row) =>
          row ? [{ cluster: row.cluster, workload: row.src_workload, offset: row.transport_offset }] : [],
        ),
      );
      return Promise.resolve();
    },
  };
  await runEnricher({
    consumer: {
      async *deliveries() {
        const signal = new AbortController().signal;
        const ended = () => undefined;
        yield await Promise.resolve({ batches, signal, stored: ended, refused: ended });
      },
    },
    store: store as FlowStore,
    contextOf: (cluster) => contexts[cluster] ?? contextFromObjects([]).context,
    log: createLogger('test', 'silent'),
  });
  return blocks;
}

it('equal addresses and names of several clusters are told apart, in the order of offsets', async () => {
  const contexts = { east: clusterWith('db-0', 'east-db'), west: clusterWith('db-0', 'west-db') };
  const batches = ['east', 'west', 'west', 'east', 'north'].map(delivered);
  expect(await stored(batches, contexts)).toEqual([
    [{ cluster: 'east', workload: 'east-db', offset: 0 }],
    [
      { cluster: 'west', workload: 'west-db', offset: 1 },
      { cluster: 'west', workload: 'west-db', offset: 2 },
    ],
    [{ cluster: 'east', workload: 'east-db', offset: 3 }],
    [{ cluster: 'north', workload: '', offset: 4 }],
  ]);
});
