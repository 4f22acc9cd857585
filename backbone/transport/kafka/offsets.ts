/**
 * What an enricher leaves in the consumer group of a partition, as Kafka's committed offset and its metadata: everything
 * below `next` is stored, and the block from there to `storing` may be.
 */
export interface Progress {
  readonly next: number;
  /** Offset of the last message of the block that is being stored; absent if none is. */
  readonly storing?: number | undefined;
}

/** Where to go on in a partition. */
export interface ResumePoint {
  /** Offset of the first message that is not known to be stored. */
  readonly next: number;
  /** Messages up to this offset were being stored as one block, and may be stored. */
  readonly mayBeStoredUntil?: number | undefined;
}

/** The metadata of a committed offset: text, so that it can be read by people too. */
export function progressMetadata({ storing }: Progress): string {
  return storing === undefined ? '' : `storing until ${storing}`;
}

/** Reads a committed offset; undefined if the group has none. */
export function readProgress(offset: string, metadata: string | null): Progress | undefined {
  const next = Number(offset);
  // -1: never committed; -2 is what kafkajs commits for "the earliest".
  if (!(next >= 0)) return undefined;
  const storing = /^storing until (\d+)$/.exec(metadata ?? '')?.[1];
  return storing === undefined ? { next } : { next, storing: Number(storing) };
}

/**
 * Where an enricher that gets a partition goes on. A block that was being stored is made again just as it was, so
 * that whoever else is still at it stores the same; after that, behind the highest offset that the store holds.
 */
export function resumePoint(progress: Progress | undefined, highestStored: number | undefined): ResumePoint {
  const afterStored = (highestStored ?? -1) + 1;
  if (progress?.storing !== undefined && progress.storing >= progress.next) {
    return { next: progress.next, mayBeStoredUntil: progress.storing };
  }
  return { next: Math.max(progress?.next ?? 0, afterStored) };
}

/** The partition does not reach to what is stored of it: it is another topic of the same name. */
export class TopicRecreatedError extends Error {
  override readonly name = 'TopicRecreatedError';
  constructor(topic: string, partition: number, next: number, end: number) {
    super(
      `${topic}/${partition} ends at offset ${end}, but the store has all of it up to ${next}: the topic was made anew. ` +
        `Give it another name, or use another store; the new messages cannot be told from the stored ones.`,
    );
  }
}
