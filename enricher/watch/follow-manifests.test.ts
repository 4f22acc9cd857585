import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { followManifests } from './follow-manifests.js';

let folder: string;
let stop: AbortController;

beforeEach(() => {
  folder = temporaryDirectory('manifests');
  stop = new AbortController();
});

afterEach(() => {
  stop.abort();
});

const namespace = (name: string, team: string) =>
  `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${name}, labels: { team: ${team} } }\n---\n`;

/** Follows the folder and notes what is taken in and out, in words. */
function follow() {
  const told: string[] = [];
  const followed = followManifests([folder], {
    sink: {
      apply: ({ metadata }) => told.push(`${metadata.name} of ${metadata.labels?.['team'] ?? ''}`),
      remove: ({ metadata }) => told.push(`no ${metadata.name}`),
    },
    log: createLogger('test', 'silent'),
    signal: stop.signal,
  });
  return { told, ...followed };
}

const write = (file: string, content: string) => writeFile(path.join(folder, file), content);

describe('manifests that are followed', () => {
  it('are read once before anything else, and again when a file changes, comes or goes', async () => {
    await write('a.yaml', namespace('shop', 'one') + namespace('bank', 'two'));
    const { told, read } = follow();
    await read;
    expect(told.splice(0)).toEqual(['shop of one', 'bank of two']);
    await write('b.yaml', namespace('club', 'three'));
    await vi.waitFor(() => expect(told.splice(0)).toEqual(['club of three']), 10_000);
    await write('a.yaml', namespace('shop', 'four'));
    await vi.waitFor(() => expect(told.splice(0)).toEqual(['no bank', 'shop of four']), 10_000);
    await rm(path.join(folder, 'b.yaml'));
    await vi.waitFor(() => expect(told.splice(0)).toEqual(['no club']), 10_000);
  });

  it('that do not exist make the first reading fail', async () => {
    const { read } = followManifests([path.join(folder, 'nowhere')], {
      sink: { apply: () => undefined, remove: () => undefined },
      log: createLogger('test', 'silent'),
      signal: stop.signal,
    });
    await expect(read).rejects.toThrow(/nowhere/);
  });

  it('end with the signal', async () => {
    const { read, ended } = follow();
    await read;
    stop.abort();
    await expect(ended).resolves.toBeUndefined();
  });
});
