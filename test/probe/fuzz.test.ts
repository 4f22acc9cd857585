import path from 'node:path';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { execute } from '@sonde/deploy/lab/command/run';
import { probeSourceFolder } from './paths.js';
import { whySkipLive } from '../e2e/live.js';

/** Where Debian's libclang-rt packages put libFuzzer; other versions lie beside it. */
const reason =
  whySkipLive() ??
  (existsSync('/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-x86_64.a')
    ? undefined
    : 'libFuzzer is missing: run "apt-get install libclang-rt-dev".');
if (reason !== undefined) console.warn(`The short fuzz run is skipped: ${reason}`);

describe.skipIf(reason !== undefined)('the readers of what strangers send', { timeout: 60_000 }, () => {
  it('read any bytes without a fault, the fast and the slow packet parser alike, in user space and in the kernel', async () => {
    const script = path.join(probeSourceFolder, 'fuzz/run.sh');
    const { code, stdout } = await execute(['sh', script, '3'], { timeoutMs: 110_000 });
    expect(stdout).toMatch(/(\d+) runs, \1 packets accounted for/);
    expect(code).toBe(0);
  }, 120_000);
});
