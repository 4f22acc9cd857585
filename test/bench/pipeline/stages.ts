import type { StageMarks } from '../measure/cpu-use.js';

/** The stages of an enricher, by source file. */
export const enricherStages: StageMarks = [
  ['decode', '/flow/wire/'],
  ['join batches', '/flow/join-columns.'],
  ['identity', '/ends.'],
  ['identity', '/block-addresses.'],
  ['domain names', '/domains.'],
  ['services', '/services.'],
  ['policies', '/policies.'],
  ['policies', '/unreached-services.'],
  ['primary record', '/primary.'],
  ['evidence', '/evidence.'],
  ['DNS lookups', '/enrich-dns.'],
  ['origin and address classes', '/origin.'],
  ['origin and address classes', '/enrich.'],
  ['Arrow', '/store/arrow'],
  ['Arrow', '/apache-arrow/'],
  ['spool to disk', '/store/spool.'],
  ['chDB client', '/chdb'],
  ['ClickHouse client', '@clickhouse'],
  ['ClickHouse client', '/store/clickhouse-'],
  ['Kafka client', '/kafkajs/'],
  ['Kafka client', '/transport/kafka/'],
  ['Kafka client', '/lz4-napi/'],
  ['sockets and streams', 'node:'],
];

/** The stages of a collector after reading the probe's bytes. */
export const collectorStages: StageMarks = [
  ['encode', '/flow/wire/'],
  ['spool to disk', '/transport/spool/'],
  ['Kafka client', '/kafkajs/'],
  ['Kafka client', '/transport/kafka/'],
  ['Kafka client', '/lz4-napi/'],
  ['sockets and streams', 'node:'],
];
