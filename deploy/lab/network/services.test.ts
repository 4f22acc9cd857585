import { describe, expect, it } from 'vitest';
import type { LabService } from '../definition/cluster.js';
import { serviceTranslation } from './services.js';

describe('service translation', () => {
  it('balances a service over its endpoints of the same address family', () => {
    const script = serviceTranslation([
      service(
        ['10.96.0.7', 'fd00::7'],
        { address: '10.244.1.3', port: 8080 },
        { address: 'fd01::3', port: 8080 },
      ),
    ]);
    expect(script).toContain(
      'ip daddr 10.96.0.7 tcp dport 80 dnat ip to numgen inc mod 1 map { 0 : 10.244.1.3 . 8080 }',
    );
    expect(script).toContain(
      'ip6 daddr fd00::7 tcp dport 80 dnat ip6 to numgen inc mod 1 map { 0 : fd01::3 . 8080 }',
    );
  });

  it('balances round-robin', () => {
    const script = serviceTranslation([
      service(['10.96.0.7'], { address: '10.244.1.3', port: 8080 }, { address: '10.244.2.3', port: 8081 }),
    ]);
    expect(script).toContain('numgen inc mod 2 map { 0 : 10.244.1.3 . 8080, 1 : 10.244.2.3 . 8081 }');
  });

  it('does not translate headless services or services without endpoints', () => {
    const script = serviceTranslation([
      service([], { address: '10.244.1.3', port: 80 }),
      service(['10.96.0.8']),
    ]);
    expect(script).not.toContain('dnat');
  });
});

function service(addresses: string[], ...endpoints: { address: string; port: number }[]): LabService {
  return { namespace: 'shop', name: 'web', addresses, ports: [{ protocol: 'tcp', port: 80, endpoints }] };
}
