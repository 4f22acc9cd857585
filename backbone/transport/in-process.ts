import type { FlowBatch } from '@sonde/model/batch/batch';
import type { DeliveredBatch, Delivery, FlowConsumer, FlowPublisher } from './transport.js';

export interface InProcessTransportOptions {
  /** Offset of the first batch: one past the highest that the store holds, so that offsets never repeat. */
  readonly firstOffset: number;
  /** How many batches may wait before publishers do. */
  readonly capacity: number;
}

/**
 * The partition of what is delivered directly, the highest that there can be: no Kafka has it, so a store may be used with and
 * without Kafka by turns.
 */
export const IN_PROCESS_PARTITION = 2 ** 32 - 1;

/** Joins collectors and the enricher of one process: a bounded queue that is one partition. */
export interface InProcessTransport extends FlowPublisher, FlowConsumer {
  /** How many batches wait to be taken. */
  readonly depth: number;
  /** Takes no more batches; the consumer ends once it has taken those that wait. */
  close(): void;
}

/** A batch was published after the transport had been closed. */
export class TransportClosedError extends Error {
  override readonly name = 'TransportClosedError';
  constructor() {
    super('The transport is closed: the batch was not accepted.');
  }
}

/** There is one consumer, so nothing is ever taken away from it. */
const never = new AbortController().signal;

function rejectDelivery(): never {
  throw new Error('another process writes to the store of this one');
}

export function createInProcessTransport({
  firstOffset,
  capacity,
}: InProcessTransportOptions): InProcessTransport {
  const waiting: DeliveredBatch[] = [];
  const blockedPublishers: (() => void)[] = [];
  let wakeConsumer: (() => void) | undefined;
  let nextOffset = firstOffset;
  let delivered = 0;
  let closed = false;

  /** Publishers go on only when what was delivered is stored: until then it counts as waiting. */
  function delivery(batches: DeliveredBatch[]): Delivery {
    delivered += batches.length;
    const confirmStored = () => {
      delivered -= batches.length;
      for (const wake of blockedPublishers.splice(0)) wake();
    };
    return { batches, signal: never, confirmStored, rejectDelivery };
  }

  return {
    get depth() {
      return waiting.length;
    },

    async publish(batch: FlowBatch): Promise<void> {
      while (!closed && waiting.length + delivered >= capacity) {
        await new Promise<void>((resolve) => blockedPublishers.push(resolve));
      }
      if (closed) throw new TransportClosedError();
      waiting.push({ batch, partition: IN_PROCESS_PARTITION, offset: nextOffset++ });
      wakeConsumer?.();
    },

    async *deliveries() {
      for (;;) {
        if (waiting.length > 0) {
          // What is published in the same turn, as the parts of a large window are, is delivered together: the store
          // wants few and large blocks.
          await new Promise((resolve) => setImmediate(resolve));
          yield delivery(waiting.splice(0));
        } else if (closed) {
          return;
        } else {
          await new Promise<void>((resolve) => (wakeConsumer = resolve));
        }
      }
    },

    close() {
      closed = true;
      wakeConsumer?.();
      for (const wake of blockedPublishers.splice(0)) wake();
    },
  };
}
