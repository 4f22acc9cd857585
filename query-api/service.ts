import type { ServiceDefinition } from '@sonde/backbone/service/run-service';
import { openConfiguredStore } from '@sonde/backbone/store/clickhouse/options';
import type { FlowStore } from '@sonde/backbone/store/store';
import { openSecurityFile, type CredentialsOf } from './access/security-file.js';
import { defaultLimits } from './limits/limits.js';
import { queryApiOptions } from './options.js';
import { startQueryApi } from './server.js';
import type { TlsFiles } from './http/tls.js';

/** The HTTP API over the records in ClickHouse. `credentialsOf` opens credentials for TokenReview. */
export function queryApiService(
  credentialsOf: CredentialsOf,
): ServiceDefinition<(typeof queryApiOptions)[number]> {
  return {
    name: 'query-api',
    description: 'Serve the HTTP API over the records in ClickHouse',
    options: queryApiOptions,
    async start({ configuration, log, registry, readiness }) {
      const store = openConfiguredStore(configuration, log);
      readiness.check('store', () => storeProblem(store));
      const file = configuration['api.securityFile'];
      const securityFile = file === undefined ? undefined : openSecurityFile(file, credentialsOf);
      const tls = tlsOf(configuration);
      const api = await startQueryApi({
        ...{ store, registry, log },
        limits: {
          queries: { ...defaultLimits.queries, concurrent: configuration['api.maxConcurrentQueries'] },
        },
        host: configuration['api.host'],
        port: configuration['api.port'],
        trustedProxies: configuration['api.trustedProxies'],
        ...(securityFile && { security: securityFile.security }),
        ...(tls && { tls }),
      });
      log.info({ url: api.url }, 'listening');
      const stopWatching = securityFile?.watch((security) => api.reload(security), log);
      let end = (): void => undefined;
      const done = new Promise<void>((resolve) => (end = resolve));
      return {
        done,
        async stop() {
          stopWatching?.();
          await api.close();
          await store.close();
          end();
        },
      };
    },
  };
}

async function storeProblem(store: FlowStore): Promise<string | undefined> {
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
  readonly 'api.tlsTerminatedByProxy': boolean;
}): TlsFiles | 'elsewhere' | undefined {
  const certificate = configuration['api.certificateFile'];
  const key = configuration['api.keyFile'];
  if (certificate !== undefined && key !== undefined) return { certificate, key };
  return configuration['api.tlsTerminatedByProxy'] ? 'elsewhere' : undefined;
}
