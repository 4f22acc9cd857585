import type { FlowBatch } from '@sonde/model/batch/batch';
import { describe, expect, it } from 'vitest';
import { createInProcessTransport, IN_PROCESS_PARTITION, TransportClosedError } from './in-process.js';

/** A batch identified by its sequence; the transport does not read its content. */
function batch(sequence: number): FlowBatch {
  return { sequence } as FlowBatch;
}

async function settled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  const soon = new Promise((resolve) => setImmediate(resolve, pending));
  return (await Promise.race([promise, soon])) !== pending;
}

describe('the in-process transport', () => {
  it('delivers batches in order, with consecutive offsets from the given one', async () => {
    const transport = createInProcessTransport({ firstOffset: 41, capacity: 10 });
    for (const sequence of [0, 1, 2]) await transport.publish(batch(sequence));
    transport.close();
    const delivered = [];
    for await (const { batches, confirmStored } of transport.deliveries()) {
      delivered.push(...batches);
      confirmStored();
    }
    expect(delivered.map(({ batch, partition, offset }) => [batch.sequence, partition, offset])).toEqual([
      [0, IN_PROCESS_PARTITION, 41],
      [1, IN_PROCESS_PARTITION, 42],
      [2, IN_PROCESS_PARTITION, 43],
    ]);
  });

  it('delivers batches that are published in one event loop turn together, even to a waiting consumer', async () => {
    const transport = createInProcessTransport({ firstOffset: 0, capacity: 10 });
    const firstDelivery = (async () => {
      for await (const { batches } of transport.deliveries()) return batches;
      return [];
    })();
    for (const sequence of [0, 1, 2]) await transport.publish(batch(sequence));
    expect((await firstDelivery).map(({ batch }) => batch.sequence)).toEqual([0, 1, 2]);
  });

  it('blocks publishers while the consumer is behind and keeps their order', async () => {
    const transport = createInProcessTransport({ firstOffset: 0, capacity: 2 });
    const published = [0, 1, 2, 3].map((sequence) => transport.publish(batch(sequence)));
    expect(await settled(Promise.all(published.slice(0, 2)))).toBe(true);
    expect(await settled(Promise.any(published.slice(2)))).toBe(false);

    const consumer = transport.deliveries()[Symbol.asyncIterator]();
    const taken = [];
    for (let group = 0; group < 2; group++) {
      const next = await consumer.next();
      if (next.done === true) break;
      taken.push(...next.value.batches.map(({ batch }) => batch.sequence));
      next.value.confirmStored();
    }
    expect(taken).toEqual([0, 1, 2, 3]);
    expect(await settled(Promise.all(published))).toBe(true);
  });

  it('delivers batches accepted before close and rejects later ones', async () => {
    const transport = createInProcessTransport({ firstOffset: 0, capacity: 1 });
    await transport.publish(batch(0));
    const late = transport.publish(batch(1));
    transport.close();
    await expect(late).rejects.toThrow(TransportClosedError);
    const delivered = [];
    for await (const { batches, confirmStored } of transport.deliveries()) {
      delivered.push(...batches);
      confirmStored();
    }
    expect(delivered.map(({ batch }) => batch.sequence)).toEqual([0]);
  });
});
