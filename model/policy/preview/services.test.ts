import { parseAddress } from '../../net/address.js';
import { describe, expect, it } from 'vitest';
import { manifest } from '@sonde/test/builders/manifests';
import { SelectingServices } from './services.js';

const service = (name: string, spec: object) => manifest('v1', 'Service', name, spec);

const services = new SelectingServices([
  service('shop/api', {
    ...{ selector: { app: 'api' }, clusterIPs: ['10.96.0.1', '2001:db8::1'], externalIPs: ['192.0.2.1'] },
    ports: [
      { port: 80, targetPort: 8080 },
      { name: 'metrics', port: 9000, targetPort: 'metrics' },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ],
  }),
  service('shop/all', { selector: { shop: 'yes' }, clusterIP: 'None', ports: [{ port: 1 }] }),
  service('shop/outside', { clusterIP: '10.96.0.2', ports: [{ port: 443 }] }),
  service('infra/api', { selector: { app: 'api' }, ports: [{ port: 80 }] }),
  manifest('serving.knative.dev/v1', 'Service', 'shop/other', { selector: { app: 'api' } }),
]);

const pod = (labels: Record<string, string>, metricsPort?: number) => ({
  ...{ namespace: 'shop', labels },
  ports: metricsPort === undefined ? [] : [{ name: 'metrics', protocol: 6, port: metricsPort }],
});

const servedBy = (...arguments_: Parameters<typeof pod>) =>
  services
    .portsServedBy(pod(...arguments_))
    .map(({ service: of, protocol, port }) => `${of} ${protocol}/${port}`);

describe('services', () => {
  it('have the pods of their namespace behind them that have all labels they select', () => {
    expect(servedBy({ app: 'web' })).toEqual([]);
    expect(servedBy({ app: 'api', shop: 'yes', more: 'x' })).toEqual([
      'shop/api 6/8080',
      'shop/api 17/53',
      'shop/all 6/1',
    ]);
  });

  it('lead to ports by number, or by the name that the pod gives them', () => {
    expect(servedBy({ app: 'api' }, 9464)).toContain('shop/api 6/9464');
  });

  it('are found by each of their addresses, unless somebody else names what stands behind them', () => {
    const nameAt = (address: string) => services.at(parseAddress(address))?.name;
    expect(['10.96.0.1', '2001:db8::1', '192.0.2.1', '10.96.0.2'].map(nameAt)).toEqual([
      'api',
      'api',
      'api',
      undefined,
    ]);
  });
});
