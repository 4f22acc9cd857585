import type { AddressFacts } from './facts.js';
import { addressPrefix } from '../../net/prefix.js';

/**
 * Which domain names a pattern matches. `subdomains`: `*.` stands for one or more whole labels
 * (policy.networking.k8s.io DomainName). `anything`: `*` stands for one or more characters (Calico Enterprise).
 */
export type WildcardStyle = 'subdomains' | 'anything';

interface Pattern {
  readonly matches: (name: string) => boolean;
  /** The matching names that have addresses. */
  readonly names: Set<string>;
  readonly fact: number;
}

/**
 * The addresses of domain names. "Was an answer for *.example.org" is a fact about an address; other names may share
 * the address.
 */
export class Domains {
  /** Whether DNS answers are known at all; if not, the names of an address are unknown. */
  known = false;
  readonly #facts: AddressFacts;
  readonly #addresses = new Map<string, readonly Uint8Array[]>();
  readonly #patterns = new Map<string, Pattern>();

  constructor(facts: AddressFacts) {
    this.#facts = facts;
  }

  /**
   * The fact that an address was an answer for a name that matches the pattern. With an `owner`, the fact is separate
   * and can be released with {@link release}.
   */
  factOf(pattern: string, style: WildcardStyle, owner = ''): number {
    const key = `${owner} ${style} ${normalName(pattern)}`;
    const known = this.#patterns.get(key);
    if (known) return known.fact;
    const matches = matcher(normalName(pattern), style);
    const names = new Set([...this.#addresses.keys()].filter(matches));
    const created: Pattern = { matches, names, fact: this.#facts.add([]) };
    this.#patterns.set(key, created);
    this.#assign(created);
    return created.fact;
  }

  /**
   * Sets the addresses (16 bytes each) of names; an empty list removes the name. Each affected pattern changes once,
   * however many names are set.
   */
  set(answers: Iterable<readonly [name: string, addresses: readonly Uint8Array[]]>): void {
    const affected = new Set<Pattern>();
    for (const [name, addresses] of answers) {
      const normal = normalName(name);
      if (addresses.length > 0) this.#addresses.set(normal, addresses);
      else this.#addresses.delete(normal);
      for (const pattern of this.#patterns.values()) {
        if (!pattern.matches(normal)) continue;
        if (addresses.length > 0) pattern.names.add(normal);
        else pattern.names.delete(normal);
        affected.add(pattern);
      }
    }
    for (const pattern of affected) this.#assign(pattern);
  }

  /** Removes all facts of an owner. */
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

/** Names are compared without case and without the trailing dot. */
function normalName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
