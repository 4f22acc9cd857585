import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

/** Path of flowprobe: the environment variable FLOWPROBE, else the output of `make -C bpf-probe`. */
export function probeProgram(): string {
  const workspace = path.dirname(createRequire(import.meta.url).resolve('@sonde/bpf-probe/package.json'));
  return process.env['FLOWPROBE'] ?? path.join(workspace, 'build/flowprobe');
}

/** Why live traffic cannot be watched on this machine, in one sentence; undefined if it can. */
export function whyNotLive(): string | undefined {
  if (process.platform !== 'linux')
    return `Live traffic requires Linux with eBPF; this is ${process.platform}.`;
  if (process.getuid?.() !== 0) return 'Live traffic requires root, to load eBPF programs.';
  const program = probeProgram();
  if (!existsSync(program))
    return `Live traffic requires the probe: ${program} does not exist; run \`npm run setup\`.`;
  const { status, stderr } = spawnSync(program, ['--check'], { encoding: 'utf8' });
  return status === 0 ? undefined : `Live traffic requires eBPF: ${stderr.trim()}`;
}
