/** The position of a message in the spool that it came from. */
export interface StreamPosition {
  /** Unique name of the spool. */
  readonly stream: string;
  /** Index of the message's record in the spool, from 0; increases by one per batch. */
  readonly position: number;
}

/**
 * Maximum number of streams to remember, the most recently active ones. Lost spools and removed nodes leave streams
 * behind; a message that Kafka repeats arrives soon after its first copy.
 */
const MAX_STREAMS = 1024;

/**
 * The next position of each stream in a partition. Messages of a stream arrive in the order of their positions, so a
 * message below the next position is a duplicate (docs/decisions/0006-kafka-exactly-once.md).
 */
export class StreamPositions {
  /** The next position of each stream, most recently active last. */
  readonly #next: Map<string, number>;

  /** @param next the next position of each stream. */
  constructor(next: Iterable<readonly [stream: string, next: number]> = []) {
    this.#next = new Map(next);
  }

  /** The next position of a stream; 0 if nothing is known of it. */
  next(stream: string): number {
    return this.#next.get(stream) ?? 0;
  }

  /** Whether a message is not a duplicate. */
  isNew({ stream, position }: StreamPosition): boolean {
    return position >= this.next(stream);
  }

  /** Records a new message. */
  note({ stream, position }: StreamPosition): void {
    // Reinserting moves the stream to the end.
    this.#next.delete(stream);
    this.#next.set(stream, position + 1);
    const [leastRecent] = this.#next.keys();
    if (this.#next.size > MAX_STREAMS && leastRecent !== undefined) this.#next.delete(leastRecent);
  }

  /** The next position of each stream, most recently active last. */
  [Symbol.iterator](): Iterator<readonly [stream: string, next: number]> {
    return this.#next.entries();
  }
}
