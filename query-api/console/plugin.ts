import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { existsSync } from 'node:fs';
import path from 'node:path';

/** What pages may load: the console's own files, and styles that its components generate. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "object-src 'none'",
  "base-uri 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** Names of built files contain a hash of their content. */
const IMMUTABLE = 'public, max-age=31536000, immutable';

export interface ConsoleOptions {
  /** Folder of the built console; undefined if it is not built. */
  readonly folder: string | undefined;
}

/**
 * Serves the console: its files, and its start page for the path of every page, so that links into the console work.
 * The files contain no data and need no authentication. Without a built console, `/` says how to build it.
 */
export async function consolePlugin(server: FastifyInstance, { folder }: ConsoleOptions): Promise<void> {
  const config = { access: 'public' } as const;
  const schema = { hide: true };
  if (folder === undefined) {
    server.get('/', { config, schema }, (_request, reply) =>
      reply
        .type('text/plain')
        .send('The console is not built: run `npm run setup`. The API is at /api/v1/openapi.json.\n'),
    );
    return;
  }
  await server.register(fastifyStatic, { root: folder, serve: false, cacheControl: false });
  const sendStartPage = (reply: FastifyReply) =>
    reply
      .header('content-security-policy', CONTENT_SECURITY_POLICY)
      .header('cache-control', 'no-cache')
      .sendFile('index.html');
  server.get('/', { config, schema }, (_request, reply) => sendStartPage(reply));
  for (const page of CONSOLE_PAGES) {
    server.get(`/${page}`, { config, schema }, (_request, reply) => sendStartPage(reply));
  }
  for (const files of ['/assets/*', '/public/*']) {
    server.get<{ Params: { '*': string } }>(files, { config, schema }, (request, reply) =>
      reply.header('cache-control', IMMUTABLE).sendFile(`${files.slice(1, -1)}${request.params['*']}`),
    );
  }
}

/** Paths of the console's pages (console/pages.tsx). */
const CONSOLE_PAGES = ['map', 'flows', 'diagnose', 'policies', 'dns', 'overview'];

/** The folder that the build of the console writes to, seen from this module, compiled or not; undefined if not built. */
export function builtConsole(): string | undefined {
  const folders = ['../pages', '../dist/pages'].map((folder) => path.join(import.meta.dirname, folder));
  return folders.find((folder) => existsSync(path.join(folder, 'index.html')));
}
