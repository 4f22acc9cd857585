import type { AddressFacts } from './facts.js';
import { addressPrefix } from '../../net/prefix.js';

/**
 * Which domain names a pattern means. `subdomains`: `*.` stands for one or more whole labels
 * (policy.networking.k8s.io DomainName). `anything`: `*` stands for one or more characters (Calico Enterprise).
 */
export type WildcardStyle = 'subdomains' | 'anything';

interface Pattern {
  readonly matches: (name: string) => boolean;
  /** The names of which there are answers and that it means. */
  readonly names: Set<string>;
  readonly fact: number;
}

/**
 * The addresses that domain names were answered with. "Answered for a name like *.example.org" is a fact of an
 * address, whatever other names share the address.
 */
export class Domains {
  /** Whether answers are known at all; if not, what names an address goes by is open. */
  known = false;
  readonly #facts: AddressFacts;
  readonly #addresses = new Map<string, readonly Uint8Array[]>();
  readonly #patterns = new Map<string, Pattern>();

  constructor(facts: AddressFacts) {
    this.#facts = facts;
  }

  /**
   * The fact that an address was the answer for a name of the pattern. Who wants a fact of their own, to release
   * it again, says who they are.
   */
  refer(pattern: string, style: WildcardStyle, owner = ''): number {
    const key = `${owner} ${style} ${normalName(pattern)}`;
    const referred = this.#patterns.get(key);
    if (referred) return referred.fact;
    const matches = matcher(normalName(pattern), style);
    const names = new Set([...this.#addresses.keys()].filter(matches));
    const created: Pattern = { matches, names, fact: this.#facts.add([]) };
    this.#patterns.set(key, created);
    this.#assign(created);
    return created.fact;
  }

  /**
   * Says what addresses (16 bytes each) names were answered with; none forgets the name. Many at once cost each
   * pattern that they concern one change.
   */
  set(answers: Iterable<readonly [name: string, addresses: readonly Uint8Array[]]>): void {
    const concerned = new Set<Pattern>();
    for (const [name, addresses] of answers) {
      const normal = normalName(name);
      if (addresses.length > 0) this.#addresses.set(normal, addresses);
      else this.#addresses.delete(normal);
      for (const pattern of this.#patterns.values()) {
        if (!pattern.matches(normal)) continue;
        if (addresses.length > 0) pattern.names.add(normal);
        else pattern.names.delete(normal);
        concerned.add(pattern);
      }
    }
    for (const pattern of concerned) this.#assign(pattern);
  }

  /** Ends all facts that were given to an owner. */
  release(owner: string): void {
    for (const [key, { fact }] of this.#patterns) {
      if (!key.startsWith(`${owner} `)) continue;
      this.#facts.assign(fact, []);
      this.#patterns.delete(key);
    }
  }

  #assign({ names, fact }: Pattern): void {
    const prefixes = [...names].flatMap((name) => (this.#addresses.get(name) ?? []).map(addressPrefix));
    this.#facts.assign(fact, prefixes);
  }
}

function matcher(pattern: string, style: WildcardStyle): (name: string) => boolean {
  if (!pattern.includes('*')) return (name) => name === pattern;
  const wildcard = style === 'subdomains' ? '[^.]+(\\.[^.]+)*' : '.+';
  const literal = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  const whole = new RegExp(`^${pattern.split('*').map(literal).join(wildcard)}$`);
  return (name) => whole.test(name);
}

/** Names compare without case and without the root's dot. */
function normalName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
