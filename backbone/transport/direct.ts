import type { FlowBatch } from '@sonde/model/flow/batch';
import type { DeliveredBatch, FlowConsumer, FlowPublisher } from './transport.js';

export interface DirectTransportOptions {
  /** Offset of the first batch: one past the highest that the store holds, so that offsets never repeat. */
  readonly firstOffset: number;
  /** How many batches may wait before publishers do. */
  readonly capacity: number;
}

/** Joins collectors and the enricher of one process: a bounded queue that is one partition, number 0. */
export interface DirectTransport extends FlowPublisher, FlowConsumer {
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

export function createDirectTransport({ firstOffset, capacity }: DirectTransportOptions): DirectTransport {
  const waiting: DeliveredBatch[] = [];
  const blockedPublishers: (() => void)[] = [];
  let wakeConsumer: (() => void) | undefined;
  let nextOffset = firstOffset;
  let delivered = false;
  let closed = false;

  /** Publishers go on only now: until it is stored, a delivery counts as waiting. */
  function stored(): void {
    delivered = false;
    wakeConsumer?.();
    for (const wake of blockedPublishers.splice(0)) wake();
  }

  return {
    get depth() {
      return waiting.length;
    },

    async publish(batch: FlowBatch): Promise<void> {
      while (!closed && waiting.length >= capacity) {
        await new Promise<void>((resolve) => blockedPublishers.push(resolve));
      }
      if (closed) throw new TransportClosedError();
      waiting.push({ batch, partition: 0, offset: nextOffset++ });
      wakeConsumer?.();
    },

    async *deliveries() {
      for (;;) {
        if (!delivered && waiting.length > 0) {
          const batches = waiting.splice(0);
          delivered = true;
          yield { batches, mayBeStored: false, signal: never, stored };
        } else if (!delivered && closed) {
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
