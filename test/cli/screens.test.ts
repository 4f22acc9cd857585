import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type RecordedLabApi, startRecordedLab } from '../fixtures/recorded-lab.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { runCommand } from './run-command.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let lab: RecordedLabApi;

beforeAll(async () => {
  process.env['XDG_CONFIG_HOME'] = temporaryDirectory('screens');
  lab = await startRecordedLab();
});

afterAll(() => lab.close());

/** The commands whose screens are compared, by the name of their file. */
const COMMANDS = {
  observe: ['observe', '--limit', '25', '--utc'],
  'observe-denied': ['observe', '-n', 'storefront,attacker', '--verdict', 'deny', '--limit', '12', '--utc'],
  'observe-columns': [
    'observe',
    '--limit',
    '8',
    '--columns',
    'src.workload,dst.domain,dst.port,bytes_in,policies',
  ],
  'observe-dns': ['observe', '--dns', '--limit', '12', '--utc'],
  'observe-compact': ['observe', '--limit', '6', '-o', 'compact', '--utc'],
  'top-pairs': ['top', '--limit', '6'],
  'top-servers': ['top', 'servers', '--limit', '6'],
  'top-dns': ['top', 'dns', '--limit', '6'],
  query: ['query', '-m', 'sum(bytes)', '-m', 'count', '--by', 'src.end,dst.end', '--limit', '5'],
  graph: ['graph', '--level', 'namespace'],
  'policy-activity': ['policy', 'activity', '--utc'],
  fields: ['fields'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

const WITHOUT_RANGE: ReadonlySet<string> = new Set(['fields']);

function withServer(name: string, words: readonly string[]): string[] {
  const range = WITHOUT_RANGE.has(name) ? [] : ['--since', lab.since, '--until', lab.until];
  return [...words, ...range, '--server', lab.url];
}

describe.each([
  ['80 columns', 80],
  ['120 columns', 120],
  ['200 columns', 200],
  ['a pipe', undefined],
] as const)('in %s', (terminal, width) => {
  it.each(Object.entries(COMMANDS))('sonde %s prints its whole screen', async (name, words) => {
    const { output } = await runCommand(withServer(name, words), { width });
    const lines = output.trimEnd().split('\n');
    if (width !== undefined && name !== 'observe-compact')
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    const file = `${name}-${terminal.replaceAll(' ', '-')}.txt`;
    await expect(output).toMatchFileSnapshot(path.join(import.meta.dirname, 'screens', file));
  });
});
