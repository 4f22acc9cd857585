import { describe, expect, it } from 'vitest';
import { parseAddress } from '../net/address.js';
import type { EndpointIdentity } from './identity.js';
import { IdentityIndex, UNKNOWN_IDENTITY } from './identity-index.js';

const address = parseAddress('10.0.0.7');

function pod(name: string): EndpointIdentity {
  const nothing = { workload: '', workloadKind: '', serviceAccount: '', labels: '', node: '', zone: '' };
  return { kind: 'pod', namespace: 'shop', name, ...nothing };
}

describe('the identity index', () => {
  it('attributes a reused address to the pod that held it at the time asked for', () => {
    const index = new IdentityIndex();
    const first = index.add(pod('first'));
    const second = index.add(pod('second'));
    index.assign(address, first, 1000);
    index.assign(address, second, 2000);
    expect(index.lookup(address, 0, 1000)).toBe(first);
    expect(index.lookup(address, 0, 1999)).toBe(first);
    expect(index.lookup(address, 0, 2000)).toBe(second);
  });

  it('knows nobody before the first owner, and nobody between a release and the next owner', () => {
    const index = new IdentityIndex();
    const first = index.add(pod('first'));
    const second = index.add(pod('second'));
    index.assign(address, first, 1000);
    index.release(address, first, 1500);
    index.assign(address, second, 2000);
    expect(index.lookup(address, 0, 999)).toBe(UNKNOWN_IDENTITY);
    expect(index.lookup(address, 0, 1499)).toBe(first);
    expect(index.lookup(address, 0, 1500)).toBe(UNKNOWN_IDENTITY);
    expect(index.lookup(address, 0, 2500)).toBe(second);
  });

  it('keeps the interval of an owner that is announced twice', () => {
    const index = new IdentityIndex();
    const owner = index.add(pod('only'));
    index.assign(address, owner, 1000);
    index.assign(address, owner, 5000);
    expect(index.lookup(address, 0, 1000)).toBe(owner);
  });

  it('lets a late release by a former owner change nothing', () => {
    const index = new IdentityIndex();
    const first = index.add(pod('first'));
    const second = index.add(pod('second'));
    index.assign(address, first, 1000);
    index.assign(address, second, 2000);
    index.release(address, first, 3000);
    expect(index.lookup(address, 0, 4000)).toBe(second);
  });

  it('holds many addresses with many intervals apart', () => {
    const index = new IdentityIndex();
    const owners = new Map<string, number>();
    for (let i = 0; i < 5000; i++) {
      const text = `10.${i >> 8}.${i & 255}.1`;
      for (const from of [1000, 2000]) {
        const owner = index.add(pod(`${text}-${from}`));
        index.assign(parseAddress(text), owner, from);
        owners.set(`${text}-${from}`, owner);
      }
    }
    const wrong = [...owners].filter(([key, owner]) => {
      const [text = '', from] = key.split('-');
      return index.lookup(parseAddress(text), 0, Number(from) + 10) !== owner;
    });
    expect(wrong).toEqual([]);
    expect(index.lookup(parseAddress('2001:db8::1'), 0, 1500)).toBe(UNKNOWN_IDENTITY);
  });
});
