import type { OptionDeclaration } from '@sonde/backbone/configuration/option';
import type { FlowStore } from '@sonde/backbone/store/store';
import { defaultLimits } from '@sonde/query-api/limits/limits';
import { startQueryApi } from '@sonde/query-api/server';
import type { TlsFiles } from '@sonde/query-api/tls';
import type { Command } from 'commander';
import { clickHouseOptions, openConfiguredStore } from './clickhouse-options.js';
import { openSecurityFile } from './security-file.js';
import { serviceCommand } from './service-command.js';

export const queryApiOptions = [
  { key: 'api.host', type: 'text', default: '127.0.0.1', description: 'Address that the API listens on' },
  {
    key: 'api.port',
    type: 'integer',
    default: 4180,
    least: 0,
    most: 65_535,
    description: 'Its port; 0 takes any free one',
  },
  {
    key: 'api.certificateFile',
    type: 'file',
    needs: ['api.keyFile'],
    description: "The API's certificate with its chain, in PEM",
  },
  {
    key: 'api.keyFile',
    type: 'file',
    needs: ['api.certificateFile'],
    description: 'The key of that certificate, in PEM',
  },
  {
    key: 'api.tlsElsewhere',
    type: 'boolean',
    default: false,
    description:
      'Whether something before the API encrypts; else a certificate is needed to listen beyond loopback',
  },
  {
    key: 'api.securityFile',
    type: 'file',
    description: 'A YAML file that says who may see what: `tokens`, `openIdProviders`, `kubernetes`, `roles`',
  },
  {
    key: 'api.trustedProxies',
    type: 'texts',
    default: [],
    description: 'Addresses and prefixes of proxies whose X-Forwarded-For is believed',
  },
  {
    key: 'api.concurrentQueries',
    type: 'integer',
    default: defaultLimits.queries.concurrent,
    least: 1,
    most: 1024,
    description:
      'Queries that ClickHouse is asked at a time, for all together; each may take 2 GiB of its memory',
  },
  ...clickHouseOptions,
] as const satisfies readonly OptionDeclaration[];

/** `sonde query-api`: the HTTP interface to what is stored. */
export function queryApiCommand(): Command {
  return serviceCommand({
    name: 'query-api',
    description: 'Answer for what is stored in ClickHouse',
    options: queryApiOptions,
    start: async ({ configuration, log, registry, readiness }) => {
      const store = openConfiguredStore(configuration, log);
      readiness.watch('store', () => whyNotAnswering(store));
      const file = configuration['api.securityFile'];
      const securityFile = file === undefined ? undefined : openSecurityFile(file);
      const tls = tlsOf(configuration);
      const api = await startQueryApi({
        ...{ store, registry, log },
        limits: {
          queries: { ...defaultLimits.queries, concurrent: configuration['api.concurrentQueries'] },
        },
        host: configuration['api.host'],
        port: configuration['api.port'],
        trustedProxies: configuration['api.trustedProxies'],
        ...(securityFile && { security: securityFile.security }),
        ...(tls && { tls }),
      });
      log.info({ url: api.url }, 'the API answers');
      const followNoMore = securityFile?.follow((security) => api.takeUp(security), log);
      let end = (): void => undefined;
      const done = new Promise<void>((resolve) => (end = resolve));
      return {
        done,
        async stop() {
          followNoMore?.();
          await api.close();
          await store.close();
          end();
        },
      };
    },
  });
}

async function whyNotAnswering(store: FlowStore): Promise<string | undefined> {
  try {
    await store.query('SELECT 1');
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function tlsOf(configuration: {
  readonly 'api.certificateFile': string | undefined;
  readonly 'api.keyFile': string | undefined;
  readonly 'api.tlsElsewhere': boolean;
}): TlsFiles | 'elsewhere' | undefined {
  const certificate = configuration['api.certificateFile'];
  const key = configuration['api.keyFile'];
  if (certificate !== undefined && key !== undefined) return { certificate, key };
  return configuration['api.tlsElsewhere'] ? 'elsewhere' : undefined;
}
