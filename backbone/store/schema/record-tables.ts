import { dnsFields } from '@sonde/model/dns/fields';
import type { FieldDeclaration, FieldType } from '@sonde/model/record/field';
import { flowFields } from '@sonde/model/flow/fields';
import type { RecordsByTable } from '../store.js';
import type { TableDefinition } from './table-definition.js';

/** A table of records. Every record type has the fields `start_time`, `transport_partition` and `transport_offset`. */
export interface RecordTable {
  /** Name in the connection's database; the key of its records in a block. */
  readonly name: keyof RecordsByTable;
  readonly fields: readonly FieldDeclaration[];
  /**
   * Sorting key: five-minute buckets, then source and destination. A time range reads few buckets, a namespace or
   * workload few granules of each, and equal neighbors compress well
   * (docs/decisions/0001-flows-table.md).
   */
  readonly sortingKey: readonly string[];
  /** Number of leading sorting key columns in the primary index. */
  readonly primaryKeyColumns: number;
}

export const flowsTable: RecordTable = {
  name: 'flows',
  fields: flowFields,
  sortingKey: [
    'toStartOfFiveMinutes(start_time)',
    'cluster',
    'src_namespace',
    'src_workload',
    'dst_namespace',
    'dst_workload',
    'dst_domain',
    'dst_port',
    'src_ip',
    'dst_ip',
    'start_time',
  ],
  primaryKeyColumns: 6,
};

export const dnsTable: RecordTable = {
  name: 'dns',
  fields: dnsFields,
  sortingKey: [
    'toStartOfFiveMinutes(start_time)',
    'cluster',
    'src_namespace',
    'src_workload',
    'query_name',
    'query_type',
    'src_ip',
    'start_time',
  ],
  primaryKeyColumns: 5,
};

/** All tables of records. */
export const recordTables: readonly RecordTable[] = [flowsTable, dnsTable];

/** Selects the highest stored `offset` of each transport `partition`. */
export const highestOffsetsQuery = `SELECT transport_partition AS partition, max(transport_offset) AS offset
  FROM (${recordTables
    .map(({ name }) => `SELECT transport_partition, transport_offset FROM ${name}`)
    .join(' UNION ALL ')})
  GROUP BY transport_partition`;

/** The table partition of a row. An insert makes one part for each; a part is stored completely or not at all. */
export const tablePartition = 'toDate(start_time)';

/** The table of records with every declared field. */
export function recordTableDefinition({
  name,
  fields,
  sortingKey,
  primaryKeyColumns,
}: RecordTable): TableDefinition {
  return {
    name,
    elements: fields.map(columnDefinition),
    engine: 'MergeTree',
    clauses: [
      `PARTITION BY ${tablePartition}`,
      `ORDER BY (${sortingKey.join(', ')})`,
      `PRIMARY KEY (${sortingKey.slice(0, primaryKeyColumns).join(', ')})`,
      // Expired parts are dropped, never rewritten.
      `${DURABLE_SETTINGS}, ttl_only_drop_parts = 1`,
    ],
    // All rows of a transport partition are on one shard, which therefore knows all stored rows of an offset.
    shardingKey: 'transport_partition',
  };
}

/** An acknowledged insert must survive a power cut. */
export const DURABLE_SETTINGS = 'SETTINGS fsync_after_insert = 1, fsync_part_directory = 1';

/** A field as a column definition: name, type, codec. */
export function columnDefinition(field: FieldDeclaration): string {
  return `${field.name} ${columnType(field)} CODEC(${field.codec ?? codecs[field.type]})`;
}

/** The ClickHouse type that a field is stored as. */
export function columnType(field: FieldDeclaration): string {
  if (field.type !== 'enumeration') return types[field.type];
  const values = (field.values ?? []).map((value, number) => `'${value}' = ${number}`);
  return `Enum8(${values.join(', ')})`;
}

const types: Readonly<Record<Exclude<FieldType, 'enumeration'>, string>> = {
  time: "DateTime64(3, 'UTC')",
  ip: 'IPv6',
  uint8: 'UInt8',
  uint16: 'UInt16',
  uint32: 'UInt32',
  uint64: 'UInt64',
  boolean: 'Bool',
  string: 'LowCardinality(String)',
};

/** The codecs that were smallest on realistic flows (docs/decisions/0001-flows-table.md). */
const codecs: Readonly<Record<FieldType, string>> = {
  time: 'T64, ZSTD(1)',
  ip: 'ZSTD(1)',
  uint8: 'ZSTD(1)',
  uint16: 'ZSTD(1)',
  uint32: 'T64, ZSTD(1)',
  uint64: 'T64, ZSTD(1)',
  boolean: 'ZSTD(1)',
  enumeration: 'ZSTD(1)',
  string: 'ZSTD(1)',
};
