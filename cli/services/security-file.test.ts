import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import type { SecurityOptions } from '@sonde/query-api/access/authenticate';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openSecurityFile } from './security-file.js';

const log = createLogger('test', 'silent');
const A_MINUTE = { timeout: 60_000 };

let directory: string;
let file: string;
let taken: SecurityOptions[];
let endFollowing: (() => void) | undefined;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'sonde-security-'));
  file = path.join(directory, 'security.yaml');
  taken = [];
  write('first');
});

afterEach(() => {
  vi.restoreAllMocks();
  endFollowing?.();
  rmSync(directory, { recursive: true });
});

/** Puts a new file in the place of the one that is there, at once, as Kubernetes does. */
function write(role: string): void {
  const next = path.join(directory, 'next');
  writeFileSync(next, `roles: [{ name: ${role}, groups: [team], rights: [view], namespaces: all }]`);
  renameSync(next, file);
}

function rolesTaken(): string[][] {
  return taken.map(({ roles }) => roles.map(({ name }) => name));
}

function follow(): void {
  endFollowing = openSecurityFile(file).follow((security) => taken.push(security), log, 20);
}

it('says who may see what', () => {
  expect(openSecurityFile(file).security.roles).toEqual([
    { name: 'first', groups: ['team'], rights: ['view'], namespaces: 'all' },
  ]);
});

it('is taken up when it changes, once', async () => {
  follow();
  write('second');
  await expect.poll(rolesTaken, A_MINUTE).toEqual([['second']]);
  write('third');
  await expect.poll(rolesTaken, A_MINUTE).toEqual([['second'], ['third']]);
});

it('is looked at no more when it is followed no more', async () => {
  const looked = vi.spyOn(log, 'error');
  follow();
  rmSync(file);
  await expect.poll(() => looked.mock.calls.length, A_MINUTE).toBeGreaterThan(0);
  endFollowing?.();
  const times = looked.mock.calls.length;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(looked.mock.calls.length).toBe(times);
});

it('holds as it was while it is not usable, which is told', async () => {
  const told = vi.spyOn(log, 'error');
  follow();
  writeFileSync(file, 'roles: nobody');
  await expect.poll(() => told.mock.calls.length, A_MINUTE).toBeGreaterThan(0);
  expect(taken).toEqual([]);
  expect(told.mock.calls[0]?.[0]).toMatchObject({
    reason: expect.stringContaining('roles must be array') as string,
  });
  write('third');
  await expect.poll(rolesTaken, A_MINUTE).toEqual([['third']]);
});
