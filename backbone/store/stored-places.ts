import { StreamPositions } from '../transport/stream-positions.js';
import type { StoredPlace } from '../transport/transport.js';
import type { OffsetExtent } from './record-parts.js';
import type { RecordBlock } from './store.js';

/** What a writer has stored of each partition that it has claimed. */
export class StoredPlaces {
  readonly #places = new Map<number, { readonly storedTo: number; readonly streams: StreamPositions }>();

  /** Notes what was stored of a partition when it was claimed. */
  claim(partition: number, { storedTo, streams }: StoredPlace): void {
    this.#places.set(partition, { storedTo, streams: new StreamPositions(streams) });
  }

  /** What is stored of a partition now. */
  of(partition: number): StoredPlace {
    const { storedTo, streams } = this.#places.get(partition) ?? NOTHING;
    return { storedTo, streams: [...streams] };
  }

  /** Notes that a block is stored, and all before it. */
  settle({ messages = [] }: RecordBlock, extents: ReadonlyMap<number, OffsetExtent>): void {
    for (const [partition, { last }] of extents) {
      const streams = this.#places.get(partition)?.streams ?? new StreamPositions();
      this.#places.set(partition, { storedTo: last, streams });
    }
    for (const { partition, source } of messages) {
      if (source) this.#places.get(partition)?.streams.note(source);
    }
  }
}

const NOTHING = { storedTo: -1, streams: [] };
