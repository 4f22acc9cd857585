import type { Logger } from '@sonde/backbone/logging';
import type { FlowStore } from '@sonde/backbone/store/store';
import type { Registry } from 'prom-client';
import type { SecurityOptions } from './access/authenticate.js';
import { CurrentSecurity } from './access/current-security.js';
import { isLoopback } from '@sonde/backbone/service/loopback';
import { createServer } from './create-server.js';
import { type ReloadableServer, reloadTls, type TlsFiles } from './http/tls.js';
import { defaultLimits, type Limits, localLimits } from './limits/limits.js';
import type { LiveFeed } from './live/feed.js';
import { createStoreFeed } from './live/store-feed.js';

export interface QueryApiOptions {
  readonly store: FlowStore;
  /** Listen address; a loopback address by default. */
  readonly host?: string;
  /** Listen port; 0 picks a free port. */
  readonly port: number;
  /**
   * The access configuration. Without it, clients on this machine have access to everything, and the API listens on
   * loopback addresses only.
   */
  readonly security?: SecurityOptions;
  /** The server certificate, or `elsewhere` if a proxy terminates TLS. Required to listen beyond loopback. */
  readonly tls?: TlsFiles | 'elsewhere';
  /** How often the certificate files are checked for changes, in milliseconds. */
  readonly tlsPollMs?: number;
  /** Addresses and CIDRs of proxies whose `X-Forwarded-For` header is trusted. */
  readonly trustedProxies?: readonly string[];
  /** Source of new records for live streams; by default the store is polled. */
  readonly live?: LiveFeed;
  /** Limits that differ from {@link defaultLimits}; without `security`, from {@link localLimits}. */
  readonly limits?: Partial<Limits>;
  /** The metrics that `/metrics` exposes; those of the API are added. */
  readonly registry: Registry;
  readonly log: Logger;
}

export interface QueryApi {
  /** Base URL, for example `http://127.0.0.1:8080`. */
  readonly url: string;
  /**
   * Replaces the access configuration; live streams whose client has lost access end.
   * @throws SecurityError if `security` is invalid; then the previous one stays in effect. Error if the API was started
   *   without authentication.
   */
  reload(security: SecurityOptions): void;
  /** Waits some seconds for running requests, then stops. The store stays open. */
  close(): Promise<void>;
}

/** How long the server waits for running requests when it closes. */
const CLOSE_TIMEOUT_MS = 5000;

/**
 * Starts the HTTP API.
 * @throws Error with code EADDRINUSE or EACCES if it cannot listen there; Error if the address is reachable from other
 *   machines and authentication or encryption is missing; SecurityError if `security` is invalid.
 */
export async function startQueryApi(options: QueryApiOptions): Promise<QueryApi> {
  const { host = '127.0.0.1', port, tls, tlsPollMs, trustedProxies = [], store, registry, log } = options;
  requireProtection(host, options);
  const security = options.security && new CurrentSecurity(options.security);
  const server = await createServer({
    ...{ store, registry, log, security, tls, trustedProxies },
    feed: options.live ?? createStoreFeed({ store, log }),
    limits: { ...(security ? defaultLimits : localLimits), ...options.limits },
  });
  // Fastify's type does not reflect that the server is an https server if there is a certificate.
  const httpsServer = server.server as object as ReloadableServer;
  const stopReloading = typeof tls === 'object' ? reloadTls(httpsServer, tls, log, tlsPollMs) : undefined;
  const url = await server.listen({ host, port });
  return {
    url,
    reload(replacement) {
      if (!security) throw new Error('the API was started without authentication');
      security.reload(replacement);
    },
    async close() {
      stopReloading?.();
      const timeout = setTimeout(() => server.server.closeAllConnections(), CLOSE_TIMEOUT_MS);
      await server.close();
      clearTimeout(timeout);
    },
  };
}

/** @throws Error if the host is reachable from other machines and authentication or encryption is missing. */
function requireProtection(host: string, { security, tls }: QueryApiOptions): void {
  if (isLoopback(host)) return;
  if (!security) {
    throw new Error(
      `the API must not listen on ${host}, which other machines can reach, without authentication: ` +
        'set api.securityFile',
    );
  }
  if (!tls) {
    throw new Error(
      `the API must not listen on ${host} without a certificate, because tokens would be sent unencrypted: ` +
        'set api.certificateFile and api.keyFile, or api.tlsTerminatedByProxy if a proxy terminates TLS',
    );
  }
}
