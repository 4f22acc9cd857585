import type { StageMarks } from '../measure/cpu-use.js';

/** The stages of an enricher, by source file. */
export const enricherStages: StageMarks = [
  ['decode', '/batch/wire/'],
  ['join batches', '/record/join-columns.'],
  ['services', '/identity/services.'],
  ['identity', '/enricher/dist/identity/'],
  ['domain names', '/enricher/dist/domains/'],
  ['evidence', '/policy/evidence.'],
  ['policies', '/enricher/dist/policy/'],
  ['policies', '/model/dist/policy/'],
  ['primary record', '/primary.'],
  ['DNS lookups', '/enrich-dns.'],
  ['origin and address classes', '/origin.'],
  ['origin and address classes', '/enrich.'],
  ['Arrow', '/store/arrow'],
  ['Arrow', '/apache-arrow/'],
  ['spool to disk', '/chdb/arrow-spool.'],
  ['chDB client', '/chdb'],
  ['ClickHouse client', '@clickhouse'],
  ['ClickHouse client', '/store/clickhouse/'],
  ['Kafka client', '/kafkajs/'],
  ['Kafka client', '/transport/kafka/'],
  ['Kafka client', '/lz4-napi/'],
  ['sockets and streams', 'node:'],
];

/** The stages of a collector after reading the probe's bytes. */
export const collectorStages: StageMarks = [
  ['encode', '/batch/wire/'],
  ['spool to disk', '/transport/spool/'],
  ['Kafka client', '/kafkajs/'],
  ['Kafka client', '/transport/kafka/'],
  ['Kafka client', '/lz4-napi/'],
  ['sockets and streams', 'node:'],
];
