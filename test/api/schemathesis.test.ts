import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { createLogger } from '@sonde/backbone/logging';
import { rights } from '@sonde/query/access/access';
import { startQueryApi } from '@sonde/query-api/server';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { securityOf } from '../builders/security.js';
import { startTestApi, type TestApi } from '../fixtures/test-api.js';
import { fillStore, storeVariants } from './store-pair.js';

/**
 * The program (https://schemathesis.readthedocs.io): install it with `pip install schemathesis`, and set SCHEMATHESIS to
 * its path if it is not on the PATH.
 */
const PROGRAM = process.env.SCHEMATHESIS ?? 'schemathesis';
/** How long it generates requests; `npm run fuzz:api` takes longer. */
const SECONDS = Number(process.env.SONDE_FUZZ_SECONDS ?? 20);
const SEED = Number(process.env.SONDE_FUZZ_SEED ?? 1);

vi.setConfig({ testTimeout: (SECONDS + 600) * 1000, hookTimeout: 120_000 });

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi();
  await fillStore(api.store, storeVariants[0]);
});

afterAll(() => api.close());

it('schemathesis finds nothing with all checks', async ({ skip }) => {
  const version = spawnSync(PROGRAM, ['--version'], { encoding: 'utf8' });
  if (version.error) return skip(`schemathesis cannot be run here (${version.error.message})`);
  const token = 'operator';
  const secured = await startQueryApi({
    ...{ store: api.store, port: 0, registry: new Registry(), log: createLogger('test', 'silent') },
    security: securityOf({ [token]: [{ rights, namespaces: 'all' }] }),
    limits: { requests: { burst: Infinity, perSecond: 1 }, waiting: 10_000 },
  });
  const run = spawn(PROGRAM, [
    ...['--config-file', path.join(import.meta.dirname, 'schemathesis.toml')],
    ...['run', `${secured.url}/api/v1/openapi.json`, '--header', `Authorization: Bearer ${token}`],
    ...['--checks', 'all', '--seed', String(SEED), '--max-time', String(SECONDS), '--request-timeout', '60'],
    // Live streams do not end.
    ...['--exclude-path-regex', '/live$', '--no-color'],
  ]);
  const [report, errors] = await Promise.all([text(run.stdout), text(run.stderr), once(run, 'exit')]);
  await secured.close();
  expect(run.exitCode, report + errors).toBe(0);
});
