import { expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../net/address.js';
import { DomainAddresses } from './domain-addresses.js';
import { DomainNames } from './domain-names.js';

const NOON = Date.parse('2026-03-01T12:00:00Z');
const HOUR_MS = 3_600_000;

function learning() {
  const names = new DomainNames(1000);
  const addresses = new DomainAddresses(names);
  const learn = (name: string, address: string, timeMs: number) => {
    const bytes = parseAddress(address);
    names.learn(bytes, 0, { client: 'web', name, timeMs, ttlSeconds: 60 });
    addresses.add(name, bytes);
  };
  const changes = (nowMs: number) =>
    Object.fromEntries(
      [...addresses.takeChanges(nowMs)].map(([name, of]) => [
        name,
        of.map((address) => formatAddress(address)),
      ]),
    );
  return { names, addresses, learn, changes };
}

it('names are told once with their addresses when these change', () => {
  const { learn, changes } = learning();
  learn('a.example', '192.0.2.1', NOON);
  learn('b.example', '192.0.2.1', NOON);
  expect(changes(NOON)).toEqual({ 'a.example': ['192.0.2.1'], 'b.example': ['192.0.2.1'] });
  learn('a.example', '192.0.2.1', NOON + 1000);
  expect(changes(NOON + 1000)).toEqual({});
  learn('a.example', '2001:db8::1', NOON + 2000);
  expect(changes(NOON + 2000)).toEqual({ 'a.example': ['192.0.2.1', '2001:db8::1'] });
});

it('an address stays a name’s for as long as a client holds the answer, and is told when it does no more', () => {
  const { names, addresses, learn, changes } = learning();
  learn('a.example', '192.0.2.1', NOON);
  learn('b.example', '192.0.2.2', NOON);
  changes(NOON);
  // A flow that uses an answer keeps it.
  for (let timeMs = NOON; timeMs < NOON + HOUR_MS; timeMs += 300_000)
    names.find(parseAddress('192.0.2.1'), 0)?.nameFor('web', timeMs);
  expect(changes(NOON + HOUR_MS)).toEqual({ 'b.example': [] });
  expect(addresses.of('a.example')).toHaveLength(1);
  expect(addresses.of('b.example')).toHaveLength(0);
});
