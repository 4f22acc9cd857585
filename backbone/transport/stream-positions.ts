/** Where a message was in the spool that it came out of. */
export interface StreamPosition {
  /** The spool's name, which no other has. */
  readonly stream: string;
  /** Counts the spool's messages, from 0. */
  readonly position: number;
}

/**
 * So many streams are remembered, those that sent last. A spool that is lost leaves its stream behind for good, and nodes
 * come and go; what Kafka repeats comes soon after its first sending.
 */
const MAX_STREAMS = 1024;

/**
 * How far each stream has come in a partition. Messages of a stream come in the order of their positions, so one that is
 * not above those before it has come before (docs/decisions/0006-kafka-exactly-once.md).
 */
export class StreamPositions {
  /** The next position of each stream, those that sent last at the end. */
  readonly #next: Map<string, number>;

  /** @param next of each stream the position that it goes on with. */
  constructor(next: Iterable<readonly [stream: string, next: number]> = []) {
    this.#next = new Map(next);
  }

  /** Whether a message comes for the first time. */
  isNew({ stream, position }: StreamPosition): boolean {
    return position >= (this.#next.get(stream) ?? 0);
  }

  /** Notes a message that came for the first time. */
  note({ stream, position }: StreamPosition): void {
    // What is set anew goes to the end.
    this.#next.delete(stream);
    this.#next.set(stream, position + 1);
    const [longestSilent] = this.#next.keys();
    if (this.#next.size > MAX_STREAMS && longestSilent !== undefined) this.#next.delete(longestSilent);
  }

  /** Of each stream the position that it goes on with, those that sent last at the end. */
  [Symbol.iterator](): Iterator<readonly [stream: string, next: number]> {
    return this.#next.entries();
  }
}
