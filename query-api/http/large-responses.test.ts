import { CooperativeScheduler } from '@sonde/query/limits/cooperative-scheduler';
import { accessOf, rights } from '@sonde/query/access/access';
import { fastify } from 'fastify';
import { expect, it } from 'vitest';
import { requireAccess } from '../access/request-access.js';
import { detectDisconnects } from './client-disconnect.js';
import { encodeLargeResponses } from './large-responses.js';

const item = {
  type: 'object',
  properties: { id: { type: 'integer' }, name: { type: 'string' }, size: { type: ['integer', 'string'] } },
} as const;
const list = {
  type: 'object',
  properties: { from: { type: 'string' }, items: { type: 'array', items: item }, next: { type: 'string' } },
} as const;

/** A server that responds with a list of items; `isSliced` serializes large lists in slices. */
function listServer(count: number, isSliced: boolean) {
  const server = fastify();
  detectDisconnects(server);
  requireAccess(server, () => Promise.resolve(accessOf('ada', [{ rights, namespaces: 'all' }])));
  if (isSliced) encodeLargeResponses(server, new CooperativeScheduler());
  const items = Array.from({ length: count }, (_, id) => ({
    ...{ id, name: `"${'é'.repeat(id % 5)}\n`, size: id % 2 === 0 ? id : String(2n ** 60n) },
    internal: 'not declared',
  }));
  const body = { next: 'x', from: 'now', items };
  server.get('/plain', { schema: { response: { 200: list } } }, () => body);
  const content = { 'application/json': { schema: list } };
  server.get('/content', { schema: { response: { 200: { content } } } }, () => body);
  return server;
}

it.each([
  ['a small response', '/plain', 3],
  ['a large response', '/plain', 1234],
  ['a large response with declared media types', '/content', 1234],
])('serializes %s as the server does by default', async (_what, target, count) => {
  const [sliced, whole] = await Promise.all(
    [true, false].map((isSliced) => listServer(count, isSliced).inject(target)),
  );
  expect(sliced?.body).toBe(whole?.body);
  expect(sliced?.headers['content-type']).toBe(whole?.headers['content-type']);
  expect(sliced?.headers['content-length']).toBe(whole?.headers['content-length']);
});

it('returns to the event loop while it serializes a large response', async () => {
  const server = listServer(50_000, true);
  await server.ready();
  let turns = 0;
  const count = () => {
    turns += 1;
    immediate = setImmediate(count);
  };
  let immediate = setImmediate(count);
  await server.inject('/plain');
  clearImmediate(immediate);
  expect(turns).toBeGreaterThan(3);
});
