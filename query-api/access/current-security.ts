import type { FastifyRequest } from 'fastify';
import type { Access } from '@sonde/query/access/access';
import { authenticateTokens, type SecurityOptions } from './authenticate.js';
import type { Authenticate } from './request-access.js';

/** The access configuration in force; it can be replaced while the API runs. */
export class CurrentSecurity {
  #options: SecurityOptions;
  #authenticate: Authenticate;
  readonly #listeners = new Set<() => void>();

  /** @throws SecurityError if `options` are invalid. */
  constructor(options: SecurityOptions) {
    this.#authenticate = authenticateTokens(options);
    this.#options = options;
  }

  get options(): SecurityOptions {
    return this.#options;
  }

  /** Authenticates a request by the current configuration. */
  authenticate(request: FastifyRequest): Promise<Access> {
    return this.#authenticate(request);
  }

  /**
   * Replaces the configuration. Clears the cache of tokens, and has the access of open live views checked again.
   * @throws SecurityError if `options` are invalid; then the previous ones stay in effect.
   */
  reload(options: SecurityOptions): void {
    this.#authenticate = authenticateTokens(options);
    this.#options = options;
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` after each reload, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
