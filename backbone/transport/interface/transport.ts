import type { FlowBatch } from '@sonde/model/batch/batch';
import type { StreamPosition } from './stream-positions.js';

/** Publishes batches from a collector. */
export interface FlowPublisher {
  /**
   * Publishes a batch. Resolves once the transport has accepted it, which waits while consumers are behind
   * (backpressure); rejects only if the transport is closed.
   */
  publish(batch: FlowBatch): Promise<void>;
}

/** A batch as the enricher receives it, with its offset. */
export interface DeliveredBatch {
  readonly batch: FlowBatch;
  readonly partition: number;
  /** Position of the batch in its partition; rises with every batch. */
  readonly offset: number;
  /** Its position in the collector's spool, if it came from one. */
  readonly source?: StreamPosition | undefined;
}

/** Everything up to this offset of a partition is stored. */
export interface StoredOffset {
  /** The offset; -1 if nothing is stored. */
  readonly storedTo: number;
  /** For each stream, its next position after that offset. */
  readonly streams: Iterable<readonly [stream: string, next: number]>;
}

/** Batches that are stored together (at least one), those of each partition in the order of their offsets. */
export interface Delivery {
  readonly batches: readonly DeliveredBatch[];
  /** Aborts when one of its partitions is revoked: batches that are not stored by then are delivered again. */
  readonly signal: AbortSignal;
  /** Confirms that all batches are stored. */
  readonly confirmStored: () => void;
  /** Reports that another writer has acquired one of the partitions (`WriterReplacedError`). */
  readonly rejectDelivery: () => void;
}

/** Delivers batches to an enricher. */
export interface FlowConsumer {
  /**
   * Yields the pending batches, as many at a time as fit a block. Deliveries can be taken ahead, but must be stored in
   * order. Ends when the transport is closed and drained.
   */
  deliveries(): AsyncIterable<Delivery>;
}
