import { readFileSync } from 'node:fs';
import path from 'node:path';
import { exportedProbeCounters } from '@sonde/collector/metrics';
import { expect, it } from 'vitest';

const file = path.join(import.meta.dirname, '../../bpf-probe/flowprobe/output/counters.c');

/** Names of the counters that the probe sends, from its source. */
function sentCounters(): string[] {
  const source = readFileSync(file, 'utf8');
  return [...source.matchAll(/^\s*(?:\[\w+\] = |\{)"([a-z_]+)"/gm)].map(([, name = '']) => name);
}

it('exports every counter of the probe as a metric', () => {
  expect(sentCounters().length).toBeGreaterThan(20);
  expect(sentCounters().filter((name) => !exportedProbeCounters.has(name))).toEqual([]);
});
