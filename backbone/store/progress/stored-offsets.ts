import { StreamPositions } from '../../transport/interface/stream-positions.js';
import type { StoredOffset } from '../../transport/interface/transport.js';
import type { OffsetRange } from './offset-ranges.js';
import type { RecordBlock } from '../store.js';

/** The stored offset of each partition that a writer owns. */
export class StoredOffsets {
  readonly #offsets = new Map<number, { readonly storedTo: number; readonly streams: StreamPositions }>();

  /** Sets the stored offset of a partition at acquisition. */
  set(partition: number, { storedTo, streams }: StoredOffset): void {
    this.#offsets.set(partition, { storedTo, streams: new StreamPositions(streams) });
  }

  /** The current stored offset of a partition. */
  of(partition: number): StoredOffset {
    const { storedTo, streams } = this.#offsets.get(partition) ?? NOTHING_STORED;
    return { storedTo, streams: [...streams] };
  }

  /** Records that a block, and everything before it, is stored. */
  settle({ messages = [] }: RecordBlock, ranges: ReadonlyMap<number, OffsetRange>): void {
    for (const [partition, { last }] of ranges) {
      const streams = this.#offsets.get(partition)?.streams ?? new StreamPositions();
      this.#offsets.set(partition, { storedTo: last, streams });
    }
    for (const { partition, source } of messages) {
      if (source) this.#offsets.get(partition)?.streams.note(source);
    }
  }
}

const NOTHING_STORED = { storedTo: -1, streams: [] };
