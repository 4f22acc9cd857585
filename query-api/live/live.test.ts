import { request } from 'node:http';
import { enrichedDns } from '@sonde/test/builders/dns';
import { enrichedFlows, type FlowRow } from '@sonde/test/builders/enriched-flows';
import { flowFields } from '@sonde/model/flow/fields';
import { fastify } from 'fastify';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { accessOf, rights } from '@sonde/query/access/access';
import { requireAccess } from '../access/request-access.js';
import { createLocalFeed } from './feed.js';
import { type EventStream, openEventStream } from '@sonde/test/fixtures/event-stream';
import { startTestApi, type TestApi, type TestClient } from '@sonde/test/fixtures/test-api';
import { livePlugin } from './plugin.js';

const live = createLocalFeed();
let api: TestApi;
const streams: EventStream[] = [];

beforeAll(async () => {
  api = await startTestApi({ live });
});

afterEach(() => {
  for (const stream of streams.splice(0)) stream.leave();
});

afterAll(() => api.close());

async function watch(target: string, who: TestClient = api): Promise<EventStream> {
  const stream = await openEventStream(who, target);
  streams.push(stream);
  return stream;
}

/** Publishes flows, as the enricher does after it has stored them. */
function publish(...rows: FlowRow[]): void {
  live.publish({ flows: enrichedFlows(rows), dns: enrichedDns([]) });
}

describe('a live stream', () => {
  it('sends each new flow as an event in the form of GET /flows', async () => {
    const stream = await watch('/api/v1/flows/live');
    expect(stream.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const row: FlowRow = {
      start_time: Date.now(),
      src_ip: '10.0.0.1',
      dst_ip: '2001:db8::1',
      src_namespace: 'it\'s "odd"\n日本',
      action: 'deny',
      primary: true,
      bytes_out: 2 ** 40,
      dst_port: 443,
    };
    publish(row);
    const { event, data } = await stream.next();
    expect(event).toBe('');
    expect(Object.keys(data)).toEqual(flowFields.map(({ name }) => name));
    await api.store.insert({ flows: enrichedFlows([row]) });
    expect((await api.get('/api/v1/flows')).body.flows).toEqual([data]);
  });

  it('sends the selected fields of matching flows', async () => {
    const filter = encodeURIComponent('dst.port == 443');
    const stream = await watch(`/api/v1/flows/live?filter=${filter}&fields=src.name,dst.port`);
    publish({ src_name: 'a', dst_port: 80 }, { src_name: 'b', dst_port: 443 });
    publish({ src_name: 'c', dst_port: 443 });
    expect((await stream.next()).data).toEqual({ src_name: 'b', dst_port: 443 });
    expect((await stream.next()).data).toEqual({ src_name: 'c', dst_port: 443 });
  });

  it('sends DNS lookups', async () => {
    const stream = await watch('/api/v1/dns/live?fields=query_name');
    live.publish({ dns: enrichedDns([{ query_name: 'a.test' }]) });
    expect((await stream.next()).data).toEqual({ query_name: 'a.test' });
  });

  it('redacts flows for a client with access to some namespaces', async () => {
    const stream = await watch('/api/v1/flows/live?fields=src_name,dst_name', api.as(['blog']));
    const secret = { src_kind: 'pod', src_namespace: 'shop', src_name: 'secret' } as const;
    publish(secret, { ...secret, dst_kind: 'pod', dst_namespace: 'blog', dst_name: 'b' });
    expect((await stream.next()).data).toEqual({ src_name: '', dst_name: 'b' });
  });

  it('drops what a slow client cannot take, and reports the number of dropped records', async () => {
    const stream = await watch('/api/v1/flows/live?fields=src_name,transport_offset');
    const name = 'x'.repeat(1000);
    let sent = 0;
    // Nothing is read meanwhile: far more is published than is buffered.
    for (let block = 0; block < 200; block++) {
      publish(...Array.from({ length: 200 }, () => ({ src_name: name, transport_offset: sent++ })));
    }
    // The number of dropped records is sent with the next event once there is room.
    const small = setInterval(() => publish({ src_name: 'small', transport_offset: sent++ }), 20);
    let received = 0;
    let dropped = 0;
    while (dropped === 0 || received + dropped < sent) {
      const { event, data } = await stream.next();
      if (event === 'dropped') {
        clearInterval(small);
        dropped += Number(data['records']);
      } else received += 1;
    }
    expect(received + dropped).toBe(sent);
    expect(received).toBeGreaterThan(0);
  }, 60_000);

  it('reports that the feed dropped records, without their number', async () => {
    const stream = await watch('/api/v1/flows/live?fields=src_name', api.as(['blog']));
    live.publish({ flows: enrichedFlows([]), omitted: { flows: 12, dns: 0 } });
    expect(await stream.next()).toEqual({ event: 'dropped', data: { records: 0, more: true } });
  });

  it('reports an invalid filter', async () => {
    const { status, body } = await api.get('/api/v1/flows/live?filter=src.nam=="a"');
    expect(status).toBe(400);
    expect(body['errors']).toMatchObject([{ parameter: 'filter', nearest: ['src.name', 'src.namespace'] }]);
  });
});

describe('the subscription of a client', () => {
  /** A server that supports HEAD, and the number of subscriptions to the feed. */
  async function headServer() {
    let subscriptions = 0;
    const feed = {
      subscribe: () => {
        subscriptions += 1;
        return () => (subscriptions -= 1);
      },
    };
    const server = fastify({ exposeHeadRoutes: true });
    requireAccess(server, () => Promise.resolve(accessOf('local', [{ rights, namespaces: 'all' }])));
    await server.register(livePlugin, { feed, security: undefined });
    return {
      server,
      url: await server.listen({ host: '127.0.0.1', port: 0 }),
      subscriptions: () => subscriptions,
    };
  }

  it('ends with its response, even if nobody reads it', async () => {
    const { server, url, subscriptions } = await headServer();
    const { port } = new URL(url);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const options = { port, path: '/api/v1/flows/live', method: 'HEAD', agent: false };
      request({ ...options, hostname: '127.0.0.1' }, (response) => {
        resolve(response.resume().statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
    await vi.waitUntil(() => subscriptions() === 0, { timeout: 60_000, interval: 5 });
    await server.close();
  });

  it('ends when the token expires', async () => {
    const untilMs = Date.now() + 200;
    const server = fastify();
    let checks = 0;
    requireAccess(server, () =>
      checks++ === 0
        ? Promise.resolve(accessOf('ada', [{ rights, namespaces: 'all' }], untilMs))
        : Promise.reject(new Error('expired')),
    );
    await server.register(livePlugin, { feed: live, security: undefined });
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    expect(await (await fetch(`${url}/api/v1/flows/live`)).text()).toBe('retry: 2000\n\n');
    expect(checks).toBe(2);
    await server.close();
  });
});
