import type { Configuration, OptionDeclaration } from '../../configuration/option.js';
import type { Logger } from '../../logging.js';
import { openClickHouseStore } from './clickhouse-store.js';
import type { FlowStore } from '../store.js';

/** Settings of the connection to ClickHouse. */
export const clickHouseOptions = [
  {
    key: 'clickhouse.urls',
    type: 'strings',
    format: 'http://host:port',
    required: true,
    description: 'HTTP URLs of servers, for example `http://clickhouse:8123`; if one fails, the next is used',
  },
  {
    key: 'clickhouse.cluster',
    type: 'string',
    description:
      'Cluster of `remote_servers` for distributed, replicated tables; without it, tables are on one server',
  },
  {
    key: 'clickhouse.database',
    type: 'string',
    default: 'sonde',
    description: 'Database; created if it does not exist',
  },
  { key: 'clickhouse.username', type: 'string', default: 'default', description: 'User name' },
  { key: 'clickhouse.password', type: 'secret', description: 'Password of `clickhouse.username`' },
  {
    key: 'clickhouse.caFile',
    type: 'file',
    description: "CA certificates that sign the servers' certificates (PEM); default: the system's",
  },
  {
    key: 'clickhouse.certificateFile',
    type: 'file',
    needs: ['clickhouse.keyFile', 'clickhouse.caFile'],
    description: 'Client certificate (PEM)',
  },
  {
    key: 'clickhouse.keyFile',
    type: 'file',
    needs: ['clickhouse.certificateFile'],
    description: 'Key of the client certificate (PEM)',
  },
  {
    key: 'clickhouse.maxOpenConnections',
    type: 'integer',
    default: 10,
    min: 1,
    max: 1000,
    description: 'Maximum number of concurrent requests',
  },
  {
    key: 'clickhouse.requestTimeout',
    type: 'duration',
    default: '60s',
    min: '1s',
    max: '1h',
    description: 'Timeout of a request',
  },
  {
    key: 'clickhouse.compression',
    type: 'boolean',
    default: false,
    description:
      'Compresses requests and responses with gzip; useful for remote servers, at considerable CPU cost',
  },
] as const satisfies readonly OptionDeclaration[];

export type ClickHouseConfiguration = Configuration<(typeof clickHouseOptions)[number]>;

/**
 * Opens the ClickHouse store of a configuration; `retentionDays` is how long records are kept, forever if absent.
 * @throws StoreError if the settings contradict each other.
 */
export function openConfiguredStore(
  configuration: ClickHouseConfiguration,
  log: Logger,
  retentionDays?: number,
): FlowStore {
  return openClickHouseStore({
    urls: configuration['clickhouse.urls'],
    cluster: configuration['clickhouse.cluster'],
    database: configuration['clickhouse.database'],
    username: configuration['clickhouse.username'],
    password: configuration['clickhouse.password'] ?? '',
    tls: {
      caFile: configuration['clickhouse.caFile'],
      certificateFile: configuration['clickhouse.certificateFile'],
      keyFile: configuration['clickhouse.keyFile'],
    },
    maxConnections: configuration['clickhouse.maxOpenConnections'],
    requestTimeoutMs: configuration['clickhouse.requestTimeout'],
    compression: configuration['clickhouse.compression'],
    retentionDays,
    log,
  });
}
