import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stagePackage } from './stage.js';

/** The folder of the checkout, seen from `deploy/dist/package/`. */
const root = path.resolve(import.meta.dirname, '../../..');

/**
 * `npm run pack [-- FOLDER]`: packs the command `sonde` with all workspaces it needs into one tarball, which
 * `npm install -g` takes. Prints the path of the tarball.
 */
async function pack(destination: string): Promise<string> {
  const staging = await mkdtemp(path.join(tmpdir(), 'sonde-package-'));
  try {
    await stagePackage(root, staging);
    const { status, stdout, stderr } = spawnSync('npm', ['pack', '--json'], {
      cwd: staging,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`npm pack failed:\n${stderr}`);
    const [packed] = JSON.parse(stdout) as { filename: string }[];
    if (!packed) throw new Error('npm pack wrote no tarball');
    const tarball = path.join(destination, packed.filename);
    await cp(path.join(staging, packed.filename), tarball);
    return tarball;
  } finally {
    await rm(staging, { recursive: true });
  }
}

console.log(await pack(path.resolve(process.argv[2] ?? '.')));
