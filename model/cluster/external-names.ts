import type { Service } from './objects.js';
import { createdAt } from './pod-times.js';

/** A service that is another name of a host outside (Kubernetes, Service of type ExternalName). */
export interface ExternalName {
  readonly namespace: string;
  readonly name: string;
  /** The host's domain name. */
  readonly host: string;
}

interface Held extends ExternalName {
  readonly fromMs: number;
  toMs: number;
}

/** The name of a service in the cluster's DNS, whatever the cluster's domain (Kubernetes DNS specification, 2.5). */
const SERVICE_NAME = /^([^.]+)\.([^.]+)\.svc(?:\.|$)/;

/** Services of type ExternalName by the names that pods ask for, and when each was there. */
export class ExternalNames {
  readonly #held = new Map<string, Held[]>();

  /** Takes in a service as it was at `atMs`; one of another type, or one that is gone, ends what there was. */
  apply(service: Service, atMs: number, isThere = true): void {
    const { namespace = 'default', name } = service.metadata;
    const key = `${namespace}/${name}`;
    const { type, externalName = '' } = service.spec ?? {};
    const host = isThere && type === 'ExternalName' ? externalName.toLowerCase().replace(/\.$/, '') : '';
    const held = this.#held.get(key) ?? [];
    const last = held.at(-1);
    if ((last?.toMs === Infinity ? last.host : '') === host) return;
    if (last) last.toMs = Math.min(last.toMs, atMs);
    // Of a service that has changed, its former host was the one until now.
    if (host !== '')
      held.push({ namespace, name, host, fromMs: last ? atMs : createdAt(service), toMs: Infinity });
    this.#held.set(key, held);
  }

  /** Whether a domain name (lower case, no final dot) is or was such a service's. */
  mayBe(domain: string): boolean {
    return this.#of(domain).length > 0;
  }

  /** The service that a domain name meant at `timeMs`; undefined if it is none's. */
  lookup(domain: string, timeMs: number): ExternalName | undefined {
    return this.#of(domain).find(({ fromMs, toMs }) => timeMs >= fromMs && timeMs < toMs);
  }

  /** Forgets what was no more at `beforeMs`. */
  forget(beforeMs: number): void {
    for (const [key, held] of this.#held) {
      const kept = held.filter(({ toMs }) => toMs > beforeMs);
      if (kept.length > 0) this.#held.set(key, kept);
      else this.#held.delete(key);
    }
  }

  #of(domain: string): readonly Held[] {
    const [, name = '', namespace = ''] = SERVICE_NAME.exec(domain) ?? [];
    return this.#held.get(`${namespace}/${name}`) ?? [];
  }
}
