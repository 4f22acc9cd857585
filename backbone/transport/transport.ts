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
  /** Position of the batch in its partition; consecutive within it. */
  readonly offset: number;
}

/** The enricher's end of a transport. */
export interface FlowConsumer {
  /**
   * Batches in order of their offsets, as many at a time as are waiting (at least one). Taking the next group
   * says that the last one is dealt with. Ends when the transport is closed and drained.
   */
  batches(): AsyncIterable<readonly DeliveredBatch[]>;
}
