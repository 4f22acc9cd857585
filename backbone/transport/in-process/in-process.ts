import type { FlowBatch } from '@sonde/model/batch/batch';
import { Gauge, type Registry } from 'prom-client';
import type { DeliveredBatch, Delivery, FlowConsumer, FlowPublisher } from '../interface/transport.js';

export interface InProcessTransportOptions {
  /** Offset of the first batch: one past the highest stored offset, so that offsets never repeat. */
  readonly firstOffset: number;
  /** Maximum number of pending batches; further publishers wait. */
  readonly capacity: number;
  /** Where its metric is registered. */
  readonly registry?: Registry | undefined;
}

/**
 * The partition number of in-process batches. It is the highest possible one, which Kafka never uses, so a store can be
 * used alternately with and without Kafka.
 */
export const IN_PROCESS_PARTITION = 2 ** 32 - 1;

/** Connects collectors and the enricher of one process: a bounded queue with a single partition. */
export interface InProcessTransport extends FlowPublisher, FlowConsumer {
  /** Rejects further batches; the consumer ends once the queue is drained. */
  close(): void;
}

/** A batch was published after the transport was closed. */
export class TransportClosedError extends Error {
  override readonly name = 'TransportClosedError';
  readonly code = 'SONDE_TRANSPORT_CLOSED';
  constructor() {
    super('the transport is closed: the batch was not accepted');
  }
}

/** There is one consumer, so its partition is never revoked. */
const never = new AbortController().signal;

function rejectDelivery(): never {
  throw new Error('another process writes to the store of this process');
}

export function createInProcessTransport({
  firstOffset,
  capacity,
  registry,
}: InProcessTransportOptions): InProcessTransport {
  const waiting: DeliveredBatch[] = [];
  const blockedPublishers: (() => void)[] = [];
  let wakeConsumer: (() => void) | undefined;
  let nextOffset = firstOffset;
  let delivered = 0;
  let closed = false;

  if (registry) {
    new Gauge({
      name: 'sonde_transport_queued_batches',
      help: 'Batches in the in-process queue between collectors and enricher',
      registers: [registry],
      collect() {
        this.set(waiting.length);
      },
    });
  }

  /** Delivered batches count as pending until they are stored. */
  function delivery(batches: DeliveredBatch[]): Delivery {
    delivered += batches.length;
    const confirmStored = () => {
      delivered -= batches.length;
      for (const wake of blockedPublishers.splice(0)) wake();
    };
    return { batches, signal: never, confirmStored, rejectDelivery };
  }

  return {
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
          // Deliver batches of the same event loop turn (parts of a large window) together: the store prefers few and
          // large blocks.
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
