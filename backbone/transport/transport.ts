import type { FlowBatch } from '@sonde/model/flow/batch';

/** The collector's end of a transport. */
export interface FlowPublisher {
  /**
   * Hands over a batch. Resolves once the transport has accepted it, which waits while consumers are behind
   * (backpressure); rejects only if the transport is closed.
   */
  publish(batch: FlowBatch): Promise<void>;
}

/** A batch as the enricher receives it, with the place that it came from. */
export interface DeliveredBatch {
  readonly batch: FlowBatch;
  readonly partition: number;
  /** Position of the batch in its partition; rises with every batch. */
  readonly offset: number;
}

/** Batches of one partition in the order of their offsets (at least one), which are stored together. */
export interface Delivery {
  readonly batches: readonly DeliveredBatch[];
  /**
   * Whether another consumer was at storing these batches, and was stopped or still is at it. Deliveries that are
   * made again have the same batches as the first time, so that a store can know each by its first and last offset.
   */
  readonly mayBeStored: boolean;
  /** Aborts when the partition has gone to another consumer: what is not stored by then is the other's to store. */
  readonly signal: AbortSignal;
  /** Says that all of it is in the store. */
  readonly stored: () => void;
}

/** The enricher's end of a transport. */
export interface FlowConsumer {
  /**
   * What has come in, as much at a time as is waiting and fits a block. A partition's next delivery comes when its
   * last one is stored; those of other partitions may come before. Ends when the transport is closed and drained.
   */
  deliveries(): AsyncIterable<Delivery>;
}
