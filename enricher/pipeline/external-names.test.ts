import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { observedDns } from '@sonde/test/builders/dns';
import { batchOf } from '@sonde/test/builders/batch';
import { observedFlows } from '@sonde/test/builders/observed-flows';
import { flowRow } from '@sonde/model/flow/records';
import { expect, it } from 'vitest';
import { LiveContext } from './context.js';
import { enrich } from './enrich.js';
import { enrichDns } from './enrich-dns.js';

const CREATED = Date.parse('2026-03-01T12:00:00Z');
const HOST = { ipv4: '203.0.113.10', name: 'db.example.com' };

/** The service `orders` of namespace `shop`, which stands for a host outside. */
function service(externalName: string): KubernetesObject {
  const metadata = { name: 'orders', namespace: 'shop', creationTimestamp: new Date(CREATED).toISOString() };
  return { apiVersion: 'v1', kind: 'Service', metadata, ...{ spec: { type: 'ExternalName', externalName } } };
}

/** A flow to the host at a time, by a client that found it by a name. */
function flowTo(context: LiveContext, query_name: string, timeMs: number) {
  const [src_ip, times] = ['198.51.100.7', { start_time: timeMs, end_time: timeMs }];
  const dns = observedDns([
    { start_time: timeMs, src_ip, query_name, answered: true, answers: HOST.ipv4, answer_ttl_s: 5 },
  ]);
  const flows = observedFlows([{ src_ip, dst_ip: HOST.ipv4, dst_port: 5432, protocol: 6, ...times }]);
  const delivered = [{ batch: batchOf(flows, { dns }), partition: 0, offset: 0 }];
  enrichDns(delivered, context);
  const flow = flowRow(enrich(delivered, context).columns, 0);
  const { dst_service_namespace, dst_service, dst_service_port, dst_domain, dst_ip } = flow;
  const isNamed = dst_service !== '';
  expect(flow.dst_service_ip).toBe(isNamed ? dst_ip : '::');
  return [dst_service_namespace, dst_service, dst_service_port, dst_domain];
}

it.each(['orders.shop.svc.cluster.local', 'orders.shop.svc.example.internal'])(
  'a host outside that was found by the name of a service, %s, is that service and has its own domain',
  (name) => {
    const context = new LiveContext();
    context.apply(service('DB.example.com.'), CREATED);
    expect(flowTo(context, name, CREATED)).toEqual(['shop', 'orders', 5432, HOST.name]);
  },
);

it('a host outside that was found by its own name is no service', () => {
  const context = new LiveContext();
  context.apply(service(HOST.name), CREATED);
  expect(flowTo(context, HOST.name, CREATED)).toEqual(['', '', 0, HOST.name]);
});

it('a service stands for what it did at the flow’s time', () => {
  const context = new LiveContext();
  const name = 'orders.shop.svc.cluster.local';
  context.apply(service(HOST.name), CREATED);
  context.apply(service('elsewhere.example.com'), CREATED + 1000);
  context.remove(service('elsewhere.example.com'), CREATED + 2000);
  expect(flowTo(context, name, CREATED - 1)).toEqual(['', '', 0, name]);
  expect(flowTo(context, name, CREATED + 999)).toEqual(['shop', 'orders', 5432, HOST.name]);
  expect(flowTo(context, name, CREATED + 1000)).toEqual(['shop', 'orders', 5432, 'elsewhere.example.com']);
  expect(flowTo(context, name, CREATED + 2000)).toEqual(['', '', 0, name]);
  context.cluster.forget(CREATED + 3000);
  expect(flowTo(context, name, CREATED + 999)).toEqual(['', '', 0, name]);
});
