import { StoreError, WriterReplacedError } from '@sonde/backbone/store/store';
import { StreamPositions } from '@sonde/backbone/transport/interface/stream-positions';
import type { DeliveredBatch, StoredOffset } from '@sonde/backbone/transport/interface/transport';

/**
 * A fake of a store's partition ownership (`FlowStore.acquirePartitions`) without an engine: records which batches are
 * stored, and accepts them only from the last writer that acquired their partitions.
 */
export class FakeStore {
  /** How often each batch was stored, by node and sequence. */
  readonly stored = new Map<string, number>();
  /** The sequences of each node in the order in which they were stored. */
  readonly order = new Map<string, number[]>();
  isUnavailable = false;
  readonly #writers = new Map<number, string>();
  readonly #places = new Map<number, { storedTo: number; readonly streams: StreamPositions }>();

  claim(writer: string, partitions: readonly number[]): Promise<ReadonlyMap<number, StoredOffset>> {
    if (this.isUnavailable) return Promise.reject(new StoreError('the store is unavailable'));
    for (const partition of partitions) this.#writers.set(partition, writer);
    return Promise.resolve(new Map(partitions.map((partition) => [partition, this.#place(partition)])));
  }

  /** Stores all of the batches, or none if one of them has another writer. */
  insert(writer: string, batches: readonly DeliveredBatch[]): Promise<void> {
    if (this.isUnavailable) return Promise.reject(new StoreError('the store is unavailable'));
    if (batches.some(({ partition }) => this.#writers.get(partition) !== writer)) {
      return Promise.reject(new WriterReplacedError('another writer has acquired the partition'));
    }
    for (const { batch, partition, offset, source } of batches) {
      const name = `${batch.node}/${batch.sequence}`;
      this.stored.set(name, (this.stored.get(name) ?? 0) + 1);
      const order = this.order.get(batch.node) ?? [];
      order.push(batch.sequence);
      this.order.set(batch.node, order);
      const place = this.#place(partition);
      place.storedTo = offset;
      if (source) place.streams.note(source);
    }
    return Promise.resolve();
  }

  #place(partition: number) {
    const place = this.#places.get(partition) ?? { storedTo: -1, streams: new StreamPositions() };
    this.#places.set(partition, place);
    return place;
  }
}
