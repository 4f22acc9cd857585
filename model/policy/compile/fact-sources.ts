import type { Domains } from '../address/domains.js';
import type { AddressFacts } from '../address/facts.js';
import type { AddressPrefix } from '../../net/prefix.js';
import type { Services } from '../address/services.js';
import type { NetFacts } from './compiled-policy.js';

/** Sources of the address facts that compiled rules refer to by number. */
export interface FactSources {
  readonly facts: AddressFacts;
  readonly services: Services;
  readonly domains: Domains;
}

/** The facts of prefixes, by family. */
export function netFacts({ facts }: FactSources, prefixes: readonly AddressPrefix[]): NetFacts {
  const ofFamily = (family: 4 | 6) =>
    prefixes.filter((prefix) => prefix.family === family).map((prefix) => facts.net(prefix));
  return { v4: ofFamily(4), v6: ofFamily(6) };
}
