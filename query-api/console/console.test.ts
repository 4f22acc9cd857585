import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { fastify } from 'fastify';
import { expect, it } from 'vitest';
import { consolePlugin } from './plugin.js';

async function serveConsole() {
  const folder = temporaryDirectory('console');
  mkdirSync(path.join(folder, 'assets'));
  writeFileSync(path.join(folder, 'index.html'), '<title>Sonde</title>');
  writeFileSync(path.join(folder, 'assets/index-1.js'), 'export {};');
  const server = fastify();
  await server.register(consolePlugin, { folder });
  return server;
}

it.each(['/', '/map', '/flows?filter=x', '/policies'])('serves the start page for %s', async (url) => {
  const server = await serveConsole();
  const answer = await server.inject({ url });
  expect(answer.statusCode).toBe(200);
  expect(answer.headers['content-type']).toMatch(/^text\/html/);
  expect(answer.headers['content-security-policy']).toContain("frame-ancestors 'none'");
  expect(answer.body).toContain('Sonde');
});

it('lets browsers keep files whose names contain a hash', async () => {
  const server = await serveConsole();
  const answer = await server.inject({ url: '/assets/index-1.js' });
  expect(answer.statusCode).toBe(200);
  expect(answer.headers['cache-control']).toContain('immutable');
});

it.each(['/assets/../secret', '/assets/%2e%2e/%2e%2e/package.json', '/assets/missing.js'])(
  'serves nothing outside of the console for %s',
  async (url) => {
    const server = await serveConsole();
    expect((await server.inject({ url })).statusCode).toBeGreaterThanOrEqual(400);
  },
);

it('says how to build the console where it is not built', async () => {
  const server = fastify();
  await server.register(consolePlugin, { folder: undefined });
  expect((await server.inject({ url: '/' })).body).toContain('npm run setup');
});
