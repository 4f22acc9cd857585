import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { listNamespaces } from '@sonde/deploy/lab/command/namespace';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { eventually } from '../eventually.js';
import { whySkipLive } from './live.js';
import { SondeProcess } from './sonde-process.js';

const LAB = 'storefront';

describe.skipIf(whySkipLive() !== undefined)('sonde up on the lab', () => {
  let directory: string;
  let data: string;
  const running: SondeProcess[] = [];
  beforeEach(() => {
    directory = temporaryDirectory('restart');
    data = path.join(directory, 'data');
  });
  afterEach(async () => {
    for (const sonde of running.splice(0)) await sonde.end('SIGKILL');
    await new SondeProcess(['lab', 'down', LAB]).exitCode();
  });

  it('leaves only its flows after Ctrl-C, and the next start has them', async () => {
    const first = start();
    await eventually(() => flowLines(first), 60_000);
    const before = await storedFlows(first);
    const programs = await probePrograms();
    expect(await first.end('SIGINT')).toBe(0);
    expect(await traces()).toEqual(NOTHING);
    await gone(programs);

    const second = start();
    const after = await eventually(() => storedFlows(second), 60_000);
    expect(after.length).toBeGreaterThanOrEqual(before.length);
    expect(after).toEqual(expect.arrayContaining(before));
    expect(await second.end('SIGINT')).toBe(0);
  });

  it('is cleaned up by the next start after SIGKILL, without losing flows', async () => {
    const first = start();
    await eventually(() => flowLines(first), 60_000);
    const before = await eventually(() => storedFlows(first));
    const programs = await probePrograms();
    await first.end('SIGKILL');
    await gone(programs);

    const second = start();
    expect(await eventually(() => storedFlows(second), 60_000)).toEqual(expect.arrayContaining(before));
    await eventually(() => flowLines(second), 60_000);
    expect(await second.end('SIGTERM')).toBe(0);
    expect(await traces()).toEqual(NOTHING);
  });

  it('reports the process that uses the data directory', async () => {
    const first = start();
    await eventually(() => first.url, 60_000);
    const second = new SondeProcess(['up', '--pcap', 'none.pcap', '--port', '0', '--data', data]);
    expect(await second.exitCode()).toBe(1);
    expect(second.errors).toMatch(/process \d+|pid \d+/);
    expect(await first.end('SIGINT')).toBe(0);
  });

  function start(): SondeProcess {
    const sonde = new SondeProcess(['up', '--lab', LAB, '--port', '0', '--window', '500ms', '--data', data]);
    running.push(sonde);
    return sonde;
  }
});

/** The flow lines that it has printed; throws while there are none. */
function flowLines(sonde: SondeProcess): string[] {
  const lines = sonde.output.split('\n').filter((line) => line.includes('storefront/frontend'));
  if (lines.length === 0) throw new Error(`no flows of the frontend yet: ${sonde.output}${sonde.errors}`);
  return lines;
}

/** Flows in the store, each as text; throws while there are none. */
async function storedFlows(sonde: SondeProcess): Promise<string[]> {
  const response = await fetch(`${sonde.url}/api/v1/flows?from=-10m&limit=10000&order=oldest`);
  const { flows } = (await response.json()) as { flows: object[] };
  if (flows.length === 0) throw new Error('nothing stored yet');
  return flows.map((flow) => JSON.stringify(flow));
}

/** What of the lab is on the machine. */
async function traces() {
  const links = await readdir('/sys/class/net');
  return {
    namespaces: await listNamespaces(`sonde-${LAB}-`),
    links: links.filter((name) => name.startsWith('cali')),
  };
}

/** Numbers of the probe's programs in the kernel; those of other tests that run at the same time among them. */
async function probePrograms(): Promise<number[]> {
  const { stdout } = await promisify(execFile)('bpftool', ['prog', 'show', '--json']);
  const programs = JSON.parse(stdout) as { id: number; name?: string }[];
  return programs.filter(({ name }) => name?.startsWith('sonde_')).map(({ id }) => id);
}

/** Resolves once none of the programs is in the kernel any more. */
async function gone(programs: readonly number[]): Promise<void> {
  expect(programs).not.toEqual([]);
  await eventually(async () => {
    const left = await probePrograms();
    expect(left.filter((id) => programs.includes(id))).toEqual([]);
  }, 60_000);
}

const NOTHING = { namespaces: [], links: [] };
