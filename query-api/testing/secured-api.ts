import { createHash } from 'node:crypto';
import { createLogger } from '@sonde/backbone/logging';
import type { FlowStore } from '@sonde/backbone/store/store';
import { Registry } from 'prom-client';
import { afterEach } from 'vitest';
import { type QueryApi, type QueryApiOptions, startQueryApi } from '../server.js';
import { stubStore } from './stub-store.js';

/** What the APIs write their logs to. */
export const apiLog = createLogger('test', 'silent');
const started: QueryApi[] = [];

/** How long what comes about by itself is waited for. */
export const A_MINUTE = { timeout: 60_000, interval: 10 };

afterEach(async () => {
  for (const api of started.splice(0)) await api.close();
});

/** Starts an API whose store answers queries as `query` does; it ends with the test. */
export async function startServer(
  options: Partial<QueryApiOptions> = {},
  query: FlowStore['query'] = () => Promise.resolve([]),
): Promise<QueryApi> {
  const api = await startQueryApi({
    store: stubStore(query),
    port: 0,
    registry: new Registry(),
    log: apiLog,
    ...options,
  });
  started.push(api);
  return api;
}

/** As {@link startServer}, and gives its URL. */
export async function startApi(...options: Parameters<typeof startServer>): Promise<string> {
  return (await startServer(...options)).url;
}

export const sha256 = (token: string): string => createHash('sha256').update(token).digest('hex');

/** Somebody who may view the namespace `shop`, somebody who may do everything, and somebody without a role. */
export const security: NonNullable<QueryApiOptions['security']> = {
  tokens: [
    { name: 'shop', sha256: sha256('shop-token'), groups: ['team-shop'] },
    { name: 'admin', sha256: sha256('admin-token').toUpperCase(), groups: ['operators'] },
    { name: 'nobody', sha256: sha256('nobody-token'), groups: ['strangers'] },
  ],
  roles: [
    { name: 'shop', groups: ['team-shop'], rights: ['view'], namespaces: ['shop'] },
    {
      name: 'operators',
      groups: ['operators'],
      rights: ['view', 'capture', 'download', 'admin'],
      namespaces: 'all',
    },
  ],
};

/** A request's options for who has this token. */
export const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
