import type { Service } from './objects.js';
import { createdAt } from './pod-times.js';

/** A service that is an alias of an external host (Kubernetes, Service of type ExternalName). */
export interface ExternalName {
  readonly namespace: string;
  readonly name: string;
  /** The host's domain name. */
  readonly host: string;
}

interface Alias extends ExternalName {
  readonly fromMs: number;
  toMs: number;
}

/** The name of a service in the cluster's DNS, whatever the cluster's domain (Kubernetes DNS specification, 2.5). */
const SERVICE_NAME = /^([^.]+)\.([^.]+)\.svc(?:\.|$)/;

/** Services of type ExternalName by the names that pods resolve, and when each existed. */
export class ExternalNames {
  readonly #aliases = new Map<string, Alias[]>();

  /** Adds or replaces a service as it was at `atMs`; a service of another type or a deleted one ends its alias. */
  apply(service: Service, atMs: number, exists = true): void {
    const { namespace = 'default', name } = service.metadata;
    const key = `${namespace}/${name}`;
    const { type, externalName = '' } = service.spec ?? {};
    const host = exists && type === 'ExternalName' ? externalName.toLowerCase().replace(/\.$/, '') : '';
    const held = this.#aliases.get(key) ?? [];
    const last = held.at(-1);
    if ((last?.toMs === Infinity ? last.host : '') === host) return;
    if (last) last.toMs = Math.min(last.toMs, atMs);
    // The former host of a changed service is valid until now.
    if (host !== '')
      held.push({ namespace, name, host, fromMs: last ? atMs : createdAt(service), toMs: Infinity });
    this.#aliases.set(key, held);
  }

  /** Whether a domain name (lower case, no final dot) is or was the name of such a service. */
  mayBe(domain: string): boolean {
    return this.#of(domain).length > 0;
  }

  /** The service with a domain name at `timeMs`; undefined if there is none. */
  lookup(domain: string, timeMs: number): ExternalName | undefined {
    return this.#of(domain).find(({ fromMs, toMs }) => timeMs >= fromMs && timeMs < toMs);
  }

  /** Removes the aliases that ended by `beforeMs`. */
  forget(beforeMs: number): void {
    for (const [key, held] of this.#aliases) {
      const kept = held.filter(({ toMs }) => toMs > beforeMs);
      if (kept.length > 0) this.#aliases.set(key, kept);
      else this.#aliases.delete(key);
    }
  }

  #of(domain: string): readonly Alias[] {
    const [, name = '', namespace = ''] = SERVICE_NAME.exec(domain) ?? [];
    return this.#aliases.get(`${namespace}/${name}`) ?? [];
  }
}
