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

export function createDirectTransport({ firstOffset, capacity }: DirectTransportOptions): DirectTransport {
  const waiting: DeliveredBatch[] = [];
  const blockedPublishers: (() => void)[] = [];
  let wakeConsumer: (() => void) | undefined;
  let nextOffset = firstOffset;
  let closed = false;

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

    async *batches() {
      for (;;) {
        if (waiting.length > 0) {
          yield waiting.splice(0);
          // Wakes them only now, when the last group is dealt with: until then it counts as waiting.
          for (const wake of blockedPublishers.splice(0)) wake();
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
