import path from 'node:path';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { execute } from '@sonde/deploy/lab/command/run';
import { probeSourceFolder } from './paths.js';
import { whySkipLive } from '../e2e/live.js';

/** Path of libFuzzer in Debian's libclang-rt-dev. */
const reason =
  whySkipLive() ??
  (existsSync('/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-x86_64.a')
    ? undefined
    : 'libFuzzer is missing: run "apt-get install libclang-rt-dev".');
if (reason !== undefined) console.warn(`skipped: short fuzz run: ${reason}`);

describe.skipIf(reason !== undefined)('parsers of untrusted input', { timeout: 60_000 }, () => {
  it('accept arbitrary bytes in user space and in the kernel, and the fast and slow packet parsers agree', async () => {
    const script = path.join(probeSourceFolder, 'fuzz/run.sh');
    const { code, stdout } = await execute(['sh', script, '3'], { timeoutMs: 110_000 });
    expect(stdout).toMatch(/(\d+) runs, \1 packets accounted for/);
    expect(code).toBe(0);
  }, 120_000);
});
