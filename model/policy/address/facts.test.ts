import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../net/address.js';
import { AddressFacts } from './facts.js';
import { contains, formatPrefix, parsePrefix } from '../../net/prefix.js';

describe('address prefixes', () => {
  it('clear the bits past their length and print in the usual form', () => {
    const canonical = (text: string) => formatPrefix(parsePrefix(text));
    expect(canonical('10.1.2.3/9')).toBe('10.0.0.0/9');
    expect(canonical('192.0.2.1')).toBe('192.0.2.1/32');
    expect(canonical('2001:db8:ffff::1/33')).toBe('2001:db8:8000::/33');
    expect([canonical('0.0.0.0/0'), canonical('::/0')]).toEqual(['0.0.0.0/0', '::/0']);
  });

  it('of other forms are an error', () => {
    for (const text of ['10.0.0.0/33', '10.0.0/8', '2001:db8::/129', '10.0.0.0/', '10.0.0.0/-1', 'x/8']) {
      expect(() => parsePrefix(text), text).toThrow();
    }
  });

  it('contain others of their family that are no shorter', () => {
    const within = (outer: string, inner: string) => contains(parsePrefix(outer), parsePrefix(inner));
    expect(within('10.0.0.0/8', '10.200.0.0/16')).toBe(true);
    expect(within('10.0.0.0/8', '10.0.0.0/7')).toBe(false);
    expect(within('10.0.0.0/8', '11.0.0.0/16')).toBe(false);
    expect(within('::/0', '10.0.0.0/8')).toBe(false);
  });
});

describe('classes of addresses', () => {
  const classOf = (facts: AddressFacts, text: string) => facts.classOf(parseAddress(text), 0);

  it('are the same where the same facts hold', () => {
    const facts = new AddressFacts();
    const wide = facts.net(parsePrefix('10.0.0.0/8'));
    const narrow = facts.net(parsePrefix('10.1.0.0/16'));
    expect([...classOf(facts, '10.1.2.3').facts].sort()).toEqual([wide, narrow]);
    expect(classOf(facts, '10.2.0.0')).toBe(classOf(facts, '10.3.0.0'));
    expect(classOf(facts, '11.0.0.0').facts.size).toBe(0);
  });

  it('change with the prefixes of a fact, and the generation says so', () => {
    const facts = new AddressFacts();
    const fact = facts.add([parsePrefix('192.0.2.0/24')]);
    expect(classOf(facts, '192.0.2.1').facts.has(fact)).toBe(true);
    const { generation } = facts;
    facts.assign(fact, [parsePrefix('192.0.2.0/24')]);
    expect(facts.generation).toBe(generation);
    facts.assign(fact, [parsePrefix('198.51.100.0/24')]);
    expect(facts.generation).toBeGreaterThan(generation);
    expect(classOf(facts, '192.0.2.1').facts.has(fact)).toBe(false);
    expect(classOf(facts, '198.51.100.1').facts.has(fact)).toBe(true);
    facts.assign(fact, []);
    expect(classOf(facts, '198.51.100.1').facts.size).toBe(0);
  });

  it('keep the families apart: ::/0 does not hold IPv4, nor 0.0.0.0/0 IPv6', () => {
    const facts = new AddressFacts();
    const v6 = facts.net(parsePrefix('::/0'));
    const v4 = facts.net(parsePrefix('0.0.0.0/0'));
    expect([...classOf(facts, '10.0.0.1').facts]).toEqual([v4]);
    expect([...classOf(facts, '2001:db8::1').facts]).toEqual([v6]);
  });
});
