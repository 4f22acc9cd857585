import { Resolver } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';

/** The address of a host in one family; an address stands for itself. */
export type Resolve = (host: string, family: 4 | 6) => Promise<string>;

/**
 * Resolves by the given servers and nothing else of this machine, again every time: a call of a family asks the server
 * of that family, and takes one of the answered addresses at random.
 */
export function resolveBy(servers: readonly string[]): Resolve {
  const resolvers = { 4: resolverOf(servers, 4), 6: resolverOf(servers, 6) } as const;
  return async (host, family) => {
    if (isIP(host) !== 0) return host;
    const addresses = await (family === 6 ? resolvers[6].resolve6(host) : resolvers[4].resolve4(host));
    const address = addresses[Math.floor(Math.random() * addresses.length)];
    if (address === undefined) throw new Error(`${host} has no IPv${family} address.`);
    return address;
  };
}

function resolverOf(servers: readonly string[], family: 4 | 6): Resolver {
  const resolver = new Resolver({ timeout: 1_000, tries: 2 });
  const own = servers.filter((server) => isIPv6(server) === (family === 6));
  resolver.setServers(own.length > 0 ? own : servers);
  return resolver;
}
