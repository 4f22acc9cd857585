import { DURABLE_SETTINGS } from './record-tables.js';
import type { TableDefinition } from './table-definition.js';

/** For each stream, its next position after what is stored up to `stored_to`. */
export const STREAMS_COLUMN = 'streams Array(Tuple(String, UInt64))';

/** Each new epoch adds a row. Rows of old epochs expire; a new epoch copies everything that is still valid. */
export const PROGRESS_TTL = 'TTL toDateTime(written_at) + toIntervalDay(90)';

/**
 * The writer of each transport partition and its stored offsets (docs/decisions/0005-exactly-once.md). The highest
 * epoch owns a partition; among equal epochs, the greater writer name. Rows state only facts that remain true, so a
 * late row is harmless.
 */
export const progressDefinition: TableDefinition = {
  name: 'progress',
  elements: [
    'transport_partition UInt32',
    'epoch UInt64',
    'writer String',
    // Everything up to this offset is stored; -1 if nothing is known about the partition.
    'stored_to Int64',
    // Records up to this offset may be stored.
    'writing_to Int64',
    STREAMS_COLUMN,
    "written_at DateTime64(3, 'UTC') DEFAULT now64(3)",
  ],
  engine: 'ReplacingMergeTree',
  versionColumn: 'writing_to',
  clauses: ['ORDER BY (transport_partition, epoch, writer)', PROGRESS_TTL, DURABLE_SETTINGS],
};
