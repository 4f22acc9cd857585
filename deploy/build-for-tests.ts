import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';

/** Compiles this workspace before its tests run: the pods of a lab run the compiled workload program. */
export default function buildForTests(): void {
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-b', import.meta.dirname], { stdio: 'inherit' });
}
