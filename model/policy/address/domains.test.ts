import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../net/address.js';
import { Domains, type WildcardStyle } from './domains.js';
import { AddressFacts } from './facts.js';

const ADDRESS = parseAddress('192.0.2.1');

/** Whether a pattern means a name: whether the address that answered for the name is known by the pattern. */
function means(pattern: string, name: string, style: WildcardStyle = 'subdomains'): boolean {
  const facts = new AddressFacts();
  const domains = new Domains(facts);
  const fact = domains.factOf(pattern, style);
  domains.set([[name, [ADDRESS]]]);
  return facts.classOf(ADDRESS, 0).facts.has(fact);
}

describe('domain names', () => {
  it('are meant exactly, whatever their case and with or without the dot of the root', () => {
    expect(means('example.org', 'EXAMPLE.org.')).toBe(true);
    expect(means('example.org', 'www.example.org')).toBe(false);
    expect(means('example.org', 'exampleXorg')).toBe(false);
  });

  it('are meant by *. if one or more whole labels stand before', () => {
    expect(means('*.example.org', 'a.example.org')).toBe(true);
    expect(means('*.example.org', 'a.b.example.org')).toBe(true);
    expect(means('*.example.org', 'example.org')).toBe(false);
    expect(means('*.example.org', 'badexample.org')).toBe(false);
  });

  it('are meant by a * anywhere in the style of Calico Enterprise', () => {
    expect(means('api.*.example.org', 'api.eu.west.example.org', 'anything')).toBe(true);
    expect(means('*.example.org', 'example.org', 'anything')).toBe(false);
  });

  it('are known whether the pattern or the answer came first, and forgotten without addresses', () => {
    const facts = new AddressFacts();
    const domains = new Domains(facts);
    domains.set([['a.example.org', [ADDRESS]]]);
    const fact = domains.factOf('*.example.org', 'subdomains');
    expect(facts.classOf(ADDRESS, 0).facts.has(fact)).toBe(true);
    domains.set([['a.example.org', []]]);
    expect(facts.classOf(ADDRESS, 0).facts.has(fact)).toBe(false);
  });

  it('cost each pattern one change, however many of them are told at once', () => {
    const facts = new AddressFacts();
    const domains = new Domains(facts);
    for (const pattern of ['*.example.org', '*.example.com']) domains.factOf(pattern, 'subdomains');
    const before = facts.generation;
    domains.set(Array.from({ length: 50 }, (_, index) => [`${index}.example.org`, [ADDRESS]]));
    expect(facts.generation).toBe(before + 1);
    domains.set([['0.example.org', [ADDRESS]]]);
    expect(facts.generation).toBe(before + 1);
  });

  it('are released with all that was referred to for an owner', () => {
    const facts = new AddressFacts();
    const domains = new Domains(facts);
    const [own, shared] = [domains.factOf('a.org', 'anything', 'set/x'), domains.factOf('a.org', 'anything')];
    domains.set([['a.org', [ADDRESS]]]);
    domains.release('set/x');
    expect([...facts.classOf(ADDRESS, 0).facts]).toEqual([shared]);
    expect(domains.factOf('a.org', 'anything', 'set/x')).not.toBe(own);
  });
});
