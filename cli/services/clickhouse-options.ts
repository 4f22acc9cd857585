import type { Configuration, OptionDeclaration } from '@sonde/backbone/configuration/option';
import type { Logger } from '@sonde/backbone/logging';
import { openClickHouseStore } from '@sonde/backbone/store/clickhouse-store';
import type { FlowStore } from '@sonde/backbone/store/store';

/** How a service reaches ClickHouse. */
export const clickHouseOptions = [
  {
    key: 'clickhouse.urls',
    type: 'texts',
    form: 'http://host:port',
    required: true,
    description:
      'HTTP addresses of servers, for example `http://clickhouse:8123`; the next is used when one fails',
  },
  {
    key: 'clickhouse.cluster',
    type: 'text',
    description:
      "The cluster, of the servers' `remote_servers`, that tables are spread over; else they are on one server",
  },
  {
    key: 'clickhouse.database',
    type: 'text',
    default: 'sonde',
    description: 'Database; made if it is not there',
  },
  { key: 'clickhouse.username', type: 'text', default: 'default', description: 'Who to be at the servers' },
  { key: 'clickhouse.password', type: 'secret', description: 'The password of `clickhouse.username`' },
  {
    key: 'clickhouse.caFile',
    type: 'file',
    description: "The authorities that servers' certificates are from, in PEM; else the system's",
  },
  {
    key: 'clickhouse.certificateFile',
    type: 'file',
    needs: ['clickhouse.keyFile', 'clickhouse.caFile'],
    description: "This client's certificate, in PEM",
  },
  {
    key: 'clickhouse.keyFile',
    type: 'file',
    needs: ['clickhouse.certificateFile'],
    description: "The key of this client's certificate, in PEM",
  },
  {
    key: 'clickhouse.connections',
    type: 'integer',
    default: 10,
    least: 1,
    most: 1000,
    description: 'Most requests at once',
  },
  {
    key: 'clickhouse.timeoutSeconds',
    type: 'number',
    default: 60,
    least: 1,
    most: 3600,
    description: 'How long a request may take',
  },
  {
    key: 'clickhouse.compression',
    type: 'boolean',
    default: false,
    description: 'Whether requests and answers are gzipped; for servers far away, as it costs much of a core',
  },
] as const satisfies readonly OptionDeclaration[];

type ClickHouseConfiguration = Configuration<(typeof clickHouseOptions)[number]>;

/** @throws StoreError if the settings cannot be used together. */
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
    maxConnections: configuration['clickhouse.connections'],
    requestTimeoutMs: configuration['clickhouse.timeoutSeconds'] * 1000,
    compression: configuration['clickhouse.compression'],
    retentionDays,
    log,
  });
}
