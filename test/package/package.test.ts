import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 600_000 });

const require = createRequire(import.meta.url);
const deploy = path.dirname(require.resolve('@sonde/deploy/package.json'));
const manifests = path.join(deploy, 'lab/storefront/manifests');

let prefix: string | undefined;
let installed: ReturnType<typeof run>;

beforeAll(() => {
  const packed = run(process.execPath, [
    path.join(deploy, 'dist/package/pack.js'),
    temporaryDirectory('pack'),
  ]);
  if (packed.status !== 0) throw new Error(packed.stderr);
  prefix = temporaryDirectory('prefix');
  // Without the embedded store, which is half a gigabyte and which client commands do not need.
  const settings = ['--omit=optional', '--prefer-offline', '--no-audit', '--no-fund', '--prefix', prefix];
  installed = run('npm', ['install', '--global', ...settings, packed.stdout.trim()]);
});

it('installs from a packed tarball, outside of a checkout, without warnings', (context) => {
  skipWithoutRegistry(context);
  // A global installation has no place to say that the package of chDB, which does nothing there, may run its script.
  expect(installed.stderr.replace(/^npm warn install-scripts.*\n/gm, '')).toBe('');
  expect(installed.status).toBe(0);
});

it('contains the code of every workspace, no tests and no packages of others', (context) => {
  skipWithoutRegistry(context);
  const folder = path.join(prefix ?? '', 'lib/node_modules/sonde/node_modules/@sonde');
  const files = readdirSync(folder, { recursive: true }).map(String);
  expect(files).toContain('query-api/dist/server.js');
  expect(files).toContain('deploy/lab/storefront/manifests/tiers.yaml');
  expect(files.filter((file) => /\.(ts|test\.js)$|node_modules/.test(file))).toEqual([]);
});

it('prints help to standard output for a bare sonde and for --help', (context) => {
  skipWithoutRegistry(context);
  const [bare, help] = [sonde(), sonde('--help')];
  expect(bare).toMatchObject({ status: 0, stderr: '' });
  expect(bare.stdout).toContain('Usage: sonde [options] [command]');
  expect(help).toEqual(bare);
});

it('prints its version', (context) => {
  skipWithoutRegistry(context);
  expect(sonde('version')).toEqual({ status: 0, stdout: 'sonde 0.1.0\n', stderr: '' });
});

it('evaluates policies of manifests without a server', (context) => {
  skipWithoutRegistry(context);
  const pods = ['storefront/frontend-7c9d5f8b64-k2m8x', 'storefront/backend-5d8f7c4b9d-8xkzl'];
  expect(sonde('policy', 'evaluate', ...pods, '8080', '--manifests', manifests)).toMatchObject({
    status: 0,
    stdout: expect.stringContaining(', TCP 8080: ') as string,
    stderr: '',
  });
});

function sonde(...commandLine: string[]) {
  return run(path.join(prefix ?? '', 'bin/sonde'), commandLine);
}

function run(program: string, commandLine: readonly string[]) {
  const { status, stdout, stderr, error } = spawnSync(program, commandLine, {
    encoding: 'utf8',
    cwd: prefix ?? deploy,
    env: { ...process.env, XDG_CONFIG_HOME: prefix ?? deploy },
  });
  if (error) throw error;
  return { status, stdout, stderr };
}

/** Says why the package could not be installed where no registry is at hand; any other failure fails the tests. */
function skipWithoutRegistry(context: { skip: (reason: string) => never }): void {
  const [unreachable] = /E(NOTFOUND|AI_AGAIN|CONNREFUSED|NOTCACHED|TIMEDOUT)/.exec(installed.stderr) ?? [];
  if (unreachable !== undefined) context.skip(`npm cannot reach its registry: ${unreachable}`);
}
