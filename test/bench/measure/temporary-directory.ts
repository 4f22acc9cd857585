import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Runs a benchmark in an empty directory that is removed afterwards. `name` becomes part of its path. */
export async function inTemporaryDirectory<Result>(
  name: string,
  run: (directory: string) => Promise<Result>,
): Promise<Result> {
  const directory = await mkdtemp(path.join(tmpdir(), `sonde-bench-${name}-`));
  try {
    return await run(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}
