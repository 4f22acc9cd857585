import kafkajs, { type ICustomPartitioner } from 'kafkajs';
import { parseStreamHeaders } from './stream-headers.js';

/** The number of partitions of topics, by topic. */
export type PartitionCounts = Readonly<Record<string, number>>;

/**
 * Chooses the partitions of a spool's messages by their keys. Messages that are sent again go to the partitions they went
 * to before, also if partitions were added meanwhile: consumers recognize duplicates within a partition.
 */
export class PartitionChoice {
  /** Messages before this position may have been sent with the former counts. */
  #resentBefore = 0;
  #former: PartitionCounts = {};
  readonly #counts: Record<string, number> = {};

  /** The numbers of partitions of the topics that messages were sent to, in the format of {@link resume}. */
  get metadata(): string {
    return JSON.stringify({ ...this.#former, ...this.#counts });
  }

  /**
   * Starts or restarts a delivery.
   * @param position the delivered position (exclusive).
   * @param metadata the counts at that delivery; empty if there was none.
   */
  resume(position: number, metadata: string): void {
    this.#resentBefore = position;
    this.#former = parseCounts(metadata);
  }

  /** The partitioner for kafkajs. */
  readonly partitioner: ICustomPartitioner = () => {
    const byKey = kafkajs.Partitioners.DefaultPartitioner();
    return (options) => {
      const { topic, partitionMetadata, message } = options;
      const position = parseStreamHeaders(message.headers)?.position ?? Infinity;
      const former = position < this.#resentBefore ? this.#former[topic] : undefined;
      if (former === undefined) {
        this.#counts[topic] = partitionMetadata.length;
        return byKey(options);
      }
      return byKey({
        ...options,
        partitionMetadata: partitionMetadata.filter(({ partitionId }) => partitionId < former),
      });
    };
  };
}

function parseCounts(metadata: string): PartitionCounts {
  try {
    const parsed = JSON.parse(metadata) as unknown;
    return typeof parsed === 'object' && parsed !== null ? (parsed as PartitionCounts) : {};
  } catch {
    // Spools of earlier versions and new ones have no counts.
    return {};
  }
}
