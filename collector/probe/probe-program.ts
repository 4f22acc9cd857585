import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** Where flowprobe is: as FLOWPROBE says, else where `make -C bpf-probe` puts it. */
export function probeProgram(): string {
  const workspace = path.dirname(createRequire(import.meta.url).resolve('@sonde/bpf-probe/package.json'));
  return process.env['FLOWPROBE'] ?? path.join(workspace, 'build/flowprobe');
}

/** Why this machine cannot show live traffic, in one sentence; undefined if it can. */
export function whyNotLive(): string | undefined {
  if (process.platform !== 'linux')
    return `Live traffic needs Linux with eBPF, and this is ${process.platform}.`;
  if (process.getuid?.() !== 0) return 'Live traffic needs root (to load eBPF programs), and you are not.';
  const program = probeProgram();
  if (!existsSync(program))
    return `Live traffic needs the probe, and ${program} is not built (\`npm run setup\`).`;
  const { status, stderr } = spawnSync(program, ['--check'], { encoding: 'utf8' });
  return status === 0 ? undefined : `Live traffic needs eBPF, and the probe says: ${stderr.trim()}`;
}
