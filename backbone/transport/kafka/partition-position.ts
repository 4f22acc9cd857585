import { type StreamPosition, StreamPositions } from '../interface/stream-positions.js';
import type { StoredOffset } from '../interface/transport.js';

/** The offsets that Kafka has of a partition: the first one, and the one after the last. */
export interface TopicOffsets {
  readonly low: number;
  readonly high: number;
}

/** The position of a consumer in a partition that it owns. */
export class PartitionPosition {
  /** The offset of the next message. */
  next: number;
  /** Messages that were not fetched yet. */
  lag: number;
  readonly #streams: StreamPositions;
  /** How many offsets before `next` Kafka deleted before they were read, and that no stream has accounted for yet. */
  #expiredOffsets: number;
  /** Streams that had a message since the deleted offsets. */
  readonly #seen = new Set<string>();

  constructor({ storedTo, streams }: StoredOffset, { low, high }: TopicOffsets) {
    this.next = Math.max(storedTo + 1, low);
    this.lag = high - this.next;
    this.#streams = new StreamPositions(streams);
    this.#expiredOffsets = this.next - storedTo - 1;
  }

  /** How many offsets Kafka deleted before they were read: of messages, or of ends of transactions. */
  get expiredOffsets(): number {
    return this.#expiredOffsets;
  }

  /** Whether a message is not a duplicate. */
  isNew(source: StreamPosition): boolean {
    return this.#streams.isNew(source);
  }

  /**
   * Records a new message. Returns how many messages of its stream before it expired: offsets do not tell, because ends
   * of transactions use offsets, too.
   */
  note(source: StreamPosition): number {
    const expired = this.#expiredBefore(source);
    this.#streams.note(source);
    return expired;
  }

  #expiredBefore({ stream, position }: StreamPosition): number {
    if (this.#expiredOffsets === 0 || this.#seen.has(stream)) return 0;
    this.#seen.add(stream);
    const expired = Math.min(position - this.#streams.next(stream), this.#expiredOffsets);
    this.#expiredOffsets -= expired;
    return expired;
  }
}
