import { renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import type { SecurityOptions } from './authenticate.js';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openSecurityFile } from './security-file.js';

const log = createLogger('test', 'silent');
/** As often as it is looked at the file. */
const LOOK_MS = 10_000;

let directory: string;
let file: string;
let taken: SecurityOptions[];
let endFollowing: (() => void) | undefined;

beforeEach(() => {
  vi.useFakeTimers();
  directory = temporaryDirectory('security');
  file = path.join(directory, 'security.yaml');
  taken = [];
  write('first');
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  endFollowing?.();
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
  endFollowing = openSecurityFile(file).follow((security) => taken.push(security), log);
}

it('says who may see what', () => {
  expect(openSecurityFile(file).security.roles).toEqual([
    { name: 'first', groups: ['team'], rights: ['view'], namespaces: 'all' },
  ]);
});

it('is taken up when it changes, once', () => {
  follow();
  vi.advanceTimersByTime(LOOK_MS);
  expect(rolesTaken()).toEqual([]);
  write('second');
  vi.advanceTimersByTime(3 * LOOK_MS);
  expect(rolesTaken()).toEqual([['second']]);
  write('third');
  vi.advanceTimersByTime(LOOK_MS);
  expect(rolesTaken()).toEqual([['second'], ['third']]);
});

it('is looked at no more when it is followed no more', () => {
  const told = vi.spyOn(log, 'error');
  follow();
  rmSync(file);
  vi.advanceTimersByTime(2 * LOOK_MS);
  expect(told).toHaveBeenCalledTimes(2);
  endFollowing?.();
  vi.advanceTimersByTime(2 * LOOK_MS);
  expect(told).toHaveBeenCalledTimes(2);
});

it('holds as it was while it is not usable, which is told', () => {
  const told = vi.spyOn(log, 'error');
  follow();
  writeFileSync(file, 'roles: nobody');
  vi.advanceTimersByTime(LOOK_MS);
  expect(taken).toEqual([]);
  const reason = expect.stringContaining('roles must be array') as string;
  expect(told.mock.lastCall?.[0]).toMatchObject({ reason });
  write('third');
  vi.advanceTimersByTime(LOOK_MS);
  expect(rolesTaken()).toEqual([['third']]);
});
