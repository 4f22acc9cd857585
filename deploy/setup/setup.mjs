/**
 * Installs and builds whatever is missing or out of date. Runs before `npm start` and `npm test`, or on its own with
 * `npm run setup`. Plain JavaScript, because it runs before anything is installed. Takes well under a second when
 * everything is up to date.
 *
 *   --tests   also install what only tests and benchmarks need
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { installDebianPackages } from './debian-packages.mjs';
import { newestUnder, modified } from './file-times.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const forTests = process.argv.includes('--tests');

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Node.js ${process.versions.node} is too old: Sonde needs 20.19 or later.`);
}

installNpmPackages();
installDebianPackages({ forTests, say, fail });
buildProbe();
buildReplay();
buildTypeScript();
buildConsole();

function installNpmPackages() {
  const installed = modified(path.join(root, 'node_modules/.package-lock.json'));
  if (installed >= modified(path.join(root, 'package-lock.json'))) return;
  say('installing npm packages from package-lock.json');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
}

/** Skipped without clang (not root, or another distribution); Sonde then reports that. */
function buildProbe() {
  if (process.platform !== 'linux' || spawnSync('clang', ['--version']).error) return;
  const probe = path.join(root, 'bpf-probe');
  const built = modified(path.join(probe, 'build/flowprobe'));
  if (built >= newestUnder(probe, /(\.[ch]|Makefile)$/)) return;
  say('building the probe (bpf-probe/)');
  run('make', ['--silent', '-C', 'bpf-probe']);
}

/** The probe's code for pcap files. Skipped without clang and lld; what was built before still works. */
function buildReplay() {
  if (spawnSync('clang', ['--version']).error || spawnSync('wasm-ld', ['--version']).error) return;
  // Some C files are not part of it, so make decides.
  if (spawnSync('make', ['-q', '-C', 'bpf-probe', 'replay'], { cwd: root }).status === 0) return;
  say('building the code for pcap files (bpf-probe/replay/)');
  run('make', ['--silent', '-C', 'bpf-probe', 'replay']);
}

function buildTypeScript() {
  const stamp = path.join(root, 'test/dist/.built');
  if (modified(stamp) >= newestUnder(root, /(\.tsx?|tsconfig.*\.json)$/)) return;
  say('compiling TypeScript');
  run('npx', ['--no-install', 'tsc', '-b']);
  writeFileSync(stamp, '');
}

function buildConsole() {
  const built = modified(path.join(root, 'query-api/dist/pages/index.html'));
  if (built >= newestUnder(path.join(root, 'console'), /\.(tsx?|css|html|json)$/)) return;
  say('building the console (console/)');
  run('npm', ['run', '--silent', '--workspace', 'console', 'build']);
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) fail(`\`${command} ${args.join(' ')}\` failed${error ? `: ${error.message}` : ''}.`);
}

function say(text) {
  console.error(`setup: ${text}`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
