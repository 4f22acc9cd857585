import type { OptionDeclaration } from '@sonde/backbone/configuration/option';
import { clickHouseOptions } from '@sonde/backbone/store/clickhouse/options';
import { defaultLimits } from './limits/limits.js';

/** Settings of the query API. */
export const queryApiOptions = [
  { key: 'api.host', type: 'string', default: '127.0.0.1', description: 'Listen address' },
  {
    key: 'api.port',
    type: 'integer',
    default: 4180,
    min: 0,
    max: 65_535,
    description: 'Listen port; 0 picks a free port',
  },
  {
    key: 'api.certificateFile',
    type: 'file',
    needs: ['api.keyFile'],
    description: 'Server certificate with its chain (PEM)',
  },
  {
    key: 'api.keyFile',
    type: 'file',
    needs: ['api.certificateFile'],
    description: 'Key of the server certificate (PEM)',
  },
  {
    key: 'api.tlsTerminatedByProxy',
    type: 'boolean',
    default: false,
    description: 'A proxy terminates TLS; without it, listening beyond loopback requires a certificate',
  },
  {
    key: 'api.securityFile',
    type: 'file',
    description: 'YAML file of the access configuration: `tokens`, `openIdProviders`, `kubernetes`, `roles`',
  },
  {
    key: 'api.trustedProxies',
    type: 'strings',
    default: [],
    description: 'Addresses and CIDRs of proxies whose X-Forwarded-For header is trusted',
  },
  {
    key: 'api.maxConcurrentQueries',
    type: 'integer',
    default: defaultLimits.queries.concurrent,
    min: 1,
    max: 1024,
    description:
      'Maximum number of concurrent ClickHouse queries of all clients; each may use 2 GiB of memory there',
  },
  ...clickHouseOptions,
] as const satisfies readonly OptionDeclaration[];
