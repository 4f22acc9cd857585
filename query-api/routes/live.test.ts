import { request } from 'node:http';
import { enrichedDns } from '@sonde/test/builders/dns';
import { enrichedFlows, type FlowRow } from '@sonde/test/builders/enriched-flows';
import { flowFields } from '@sonde/model/flow/fields';
import { fastify } from 'fastify';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { accessOf, rights } from '@sonde/query/access/access';
import { requireAccess } from '../access/request-access.js';
import { createLocalFeed } from '../live/feed.js';
import { LiveHub } from '../live/hub.js';
import { type EventStream, openEventStream } from '@sonde/test/fixtures/event-stream';
import { startTestApi, type TestApi, type TestClient } from '@sonde/test/fixtures/test-api';
import { liveRoute } from './live.js';

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

/** Brings flows, as the enricher does when it has stored them. */
function come(...rows: FlowRow[]): void {
  live.publish({ flows: enrichedFlows(rows), dns: enrichedDns([]) });
}

describe('a live view', () => {
  it('gives each flow that comes as an event, whole, in the form of GET /flows', async () => {
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
    come(row);
    const { event, data } = await stream.next();
    expect(event).toBe('');
    expect(Object.keys(data)).toEqual(flowFields.map(({ name }) => name));
    await api.store.insert({ flows: enrichedFlows([row]) });
    expect((await api.get('/api/v1/flows')).body.flows).toEqual([data]);
  });

  it('gives what passes the filter, of it the fields asked for', async () => {
    const filter = encodeURIComponent('dst.port == 443');
    const stream = await watch(`/api/v1/flows/live?filter=${filter}&fields=src.name,dst.port`);
    come({ src_name: 'a', dst_port: 80 }, { src_name: 'b', dst_port: 443 });
    come({ src_name: 'c', dst_port: 443 });
    expect((await stream.next()).data).toEqual({ src_name: 'b', dst_port: 443 });
    expect((await stream.next()).data).toEqual({ src_name: 'c', dst_port: 443 });
  });

  it('gives lookups too', async () => {
    const stream = await watch('/api/v1/dns/live?fields=query_name');
    live.publish({ dns: enrichedDns([{ query_name: 'a.test' }]) });
    expect((await stream.next()).data).toEqual({ query_name: 'a.test' });
  });

  it('gives a namespace-scoped user only what may be seen', async () => {
    const stream = await watch('/api/v1/flows/live?fields=src_name,dst_name', api.as(['blog']));
    const secret = { src_kind: 'pod', src_namespace: 'shop', src_name: 'secret' } as const;
    come(secret, { ...secret, dst_kind: 'pod', dst_namespace: 'blog', dst_name: 'b' });
    expect((await stream.next()).data).toEqual({ src_name: '', dst_name: 'b' });
  });

  it('leaves out what a slow client cannot take, says how much, and gives the rest', async () => {
    const stream = await watch('/api/v1/flows/live?fields=src_name,transport_offset');
    const name = 'x'.repeat(1000);
    let sent = 0;
    // Nothing is read meanwhile: far more comes than waits for anybody.
    for (let block = 0; block < 200; block++) {
      come(...Array.from({ length: 200 }, () => ({ src_name: name, transport_offset: sent++ })));
    }
    // How much was left out is told with what comes when there is room again.
    const small = setInterval(() => come({ src_name: 'small', transport_offset: sent++ }), 20);
    let given = 0;
    let dropped = 0;
    while (dropped === 0 || given + dropped < sent) {
      const { event, data } = await stream.next();
      if (event === 'dropped') {
        clearInterval(small);
        dropped += Number(data['records']);
      } else given += 1;
    }
    expect(given + dropped).toBe(sent);
    expect(given).toBeGreaterThan(0);
  }, 60_000);

  it('says that the source left some out, and to nobody how many', async () => {
    const stream = await watch('/api/v1/flows/live?fields=src_name', api.as(['blog']));
    live.publish({ flows: enrichedFlows([]), left: { flows: 12, dns: 0 } });
    expect(await stream.next()).toEqual({ event: 'dropped', data: { records: 0, more: true } });
  });

  it('tells what is wrong with a filter', async () => {
    const { status, body } = await api.get('/api/v1/flows/live?filter=src.nam=="a"');
    expect(status).toBe(400);
    expect(body['errors']).toMatchObject([{ parameter: 'filter', nearest: ['src.name', 'src.namespace'] }]);
  });
});

describe('who watches', () => {
  /** A server that also answers HEAD, and how many follow the feed. */
  async function headServer() {
    let following = 0;
    const hub = new LiveHub({
      subscribe: () => {
        following += 1;
        return () => (following -= 1);
      },
    });
    const server = fastify({ exposeHeadRoutes: true });
    requireAccess(server, () => Promise.resolve(accessOf('local', [{ rights, namespaces: 'all' }])));
    liveRoute(server, hub, { path: '/live', kind: 'flows' });
    return { server, url: await server.listen({ host: '127.0.0.1', port: 0 }), following: () => following };
  }

  it('is followed for no longer than their answer lasts, though nobody has read it', async () => {
    const { server, url, following } = await headServer();
    const { port } = new URL(url);
    const asked = await new Promise<number | undefined>((resolve, reject) => {
      const options = { port, path: '/live', method: 'HEAD', agent: false };
      request({ ...options, hostname: '127.0.0.1' }, (response) => {
        resolve(response.resume().statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(asked).toBe(200);
    await vi.waitUntil(() => following() === 0, { timeout: 60_000, interval: 5 });
    await server.close();
  });

  it('is let go when their token is good no longer', async () => {
    const untilMs = Date.now() + 200;
    const server = fastify();
    const hub = new LiveHub(live);
    let asked = 0;
    requireAccess(server, () =>
      asked++ === 0
        ? Promise.resolve(accessOf('ada', [{ rights, namespaces: 'all' }], untilMs))
        : Promise.reject(new Error('expired')),
    );
    liveRoute(server, hub, { path: '/live', kind: 'flows' });
    const url = await server.listen({ host: '127.0.0.1', port: 0 });
    expect(await (await fetch(`${url}/live`)).text()).toBe('retry: 2000\n\n');
    expect(asked).toBe(2);
    await server.close();
  });
});
