import type { FlowBatch } from '@sonde/model/batch/batch';
import type { StreamPosition } from './stream-positions.js';

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
  /** Where it was in its collector's spool, if it came out of one. */
  readonly source?: StreamPosition | undefined;
}

/** What is stored of a partition: everything up to an offset. */
export interface StoredOffset {
  /** The offset; -1 if nothing is stored. */
  readonly storedTo: number;
  /** How far each stream has come up to there: of each the position that it goes on with. */
  readonly streams: Iterable<readonly [stream: string, next: number]>;
}

/** Batches that are stored together (at least one), those of each partition in the order of their offsets. */
export interface Delivery {
  readonly batches: readonly DeliveredBatch[];
  /** Aborts when a partition of it has gone to another consumer: what is not stored by then will be delivered anew. */
  readonly signal: AbortSignal;
  /** Says that all of it is in the store. */
  readonly confirmStored: () => void;
  /** Says that the store takes these partitions from another writer now (`WriterReplacedError`), and not from this one. */
  readonly rejectDelivery: () => void;
}

/** The enricher's end of a transport. */
export interface FlowConsumer {
  /**
   * What has come in, as much at a time as is waiting and fits a block. Deliveries may be taken ahead, but are to be
   * stored in their order. Ends when the transport is closed and drained.
   */
  deliveries(): AsyncIterable<Delivery>;
}
