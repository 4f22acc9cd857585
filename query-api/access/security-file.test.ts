import { renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import type { SecurityOptions } from './authenticate.js';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openSecurityFile } from './security-file.js';

const log = createLogger('test', 'silent');
/** The poll interval. */
const POLL_MS = 10_000;

function noKubeConfig(): never {
  throw new Error('no kubeconfig in this test');
}

let directory: string;
let file: string;
let reloaded: SecurityOptions[];
let stopWatching: (() => void) | undefined;

beforeEach(() => {
  vi.useFakeTimers();
  directory = temporaryDirectory('security');
  file = path.join(directory, 'security.yaml');
  reloaded = [];
  write('first');
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  stopWatching?.();
});

/** Replaces the file atomically, as Kubernetes does. */
function write(role: string): void {
  const next = path.join(directory, 'next');
  writeFileSync(next, `roles: [{ name: ${role}, groups: [team], rights: [view], namespaces: all }]`);
  renameSync(next, file);
}

function reloadedRoles(): string[][] {
  return reloaded.map(({ roles }) => roles.map(({ name }) => name));
}

function watch(): void {
  stopWatching = openSecurityFile(file, noKubeConfig).watch((security) => reloaded.push(security), log);
}

it('contains the access configuration', () => {
  expect(openSecurityFile(file, noKubeConfig).security.roles).toEqual([
    { name: 'first', groups: ['team'], rights: ['view'], namespaces: 'all' },
  ]);
});

it('is reloaded once per change', () => {
  watch();
  vi.advanceTimersByTime(POLL_MS);
  expect(reloadedRoles()).toEqual([]);
  write('second');
  vi.advanceTimersByTime(3 * POLL_MS);
  expect(reloadedRoles()).toEqual([['second']]);
  write('third');
  vi.advanceTimersByTime(POLL_MS);
  expect(reloadedRoles()).toEqual([['second'], ['third']]);
});

it('is not read after watching stops', () => {
  const logged = vi.spyOn(log, 'error');
  watch();
  rmSync(file);
  vi.advanceTimersByTime(2 * POLL_MS);
  expect(logged).toHaveBeenCalledTimes(2);
  stopWatching?.();
  vi.advanceTimersByTime(2 * POLL_MS);
  expect(logged).toHaveBeenCalledTimes(2);
});

it('stays in effect while the file is invalid, and the error is logged', () => {
  const logged = vi.spyOn(log, 'error');
  watch();
  writeFileSync(file, 'roles: nobody');
  vi.advanceTimersByTime(POLL_MS);
  expect(reloaded).toEqual([]);
  const reason = expect.stringContaining('roles must be array') as string;
  expect(logged.mock.lastCall?.[0]).toMatchObject({ reason });
  write('third');
  vi.advanceTimersByTime(POLL_MS);
  expect(reloadedRoles()).toEqual([['third']]);
});
