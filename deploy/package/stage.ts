import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** The fields of a package.json that packing uses. */
interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly type: string;
  readonly engines?: object;
  readonly exports?: object;
  readonly workspaces?: readonly string[];
  readonly overrides?: Readonly<Record<string, string>>;
  /** Files that the workspace needs besides its compiled code, relative to its folder. */
  readonly files?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
}

interface Workspace {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** The workspace of the command; what it depends on is packed with it. */
const COMMAND = '@sonde/cli';
/** The embedded store is half a gigabyte; `npm install --omit=optional` leaves it out where only a client is needed. */
const OPTIONAL: ReadonlySet<string> = new Set(['chdb']);

/** Overrides of the checkout for packages below the dependencies; npm reads none from an installed package. */
const OVERRIDDEN = ['light-my-request'];

/**
 * Writes the package `sonde` to a folder: the compiled workspaces as bundled dependencies, the packages of others as
 * dependencies in the versions that this checkout has installed.
 * @throws Error if a workspace is not compiled.
 */
export async function stagePackage(root: string, target: string): Promise<void> {
  const { workspaces: folders = [], overrides = {}, ...rootManifest } = await readManifest(root);
  const all = await Promise.all(
    folders.map(async (folder) => {
      const manifest = await readManifest(path.join(root, folder));
      return [manifest.name, { folder: path.join(root, folder), manifest }] as const;
    }),
  );
  const packed = closure(COMMAND, new Map(all));
  for (const workspace of packed) await stageWorkspace(workspace, target);
  const versions = [
    ...(await installedVersions(packed, path.join(root, 'node_modules'))),
    ...OVERRIDDEN.map((name) => [name, overrides[name] ?? '*'] as const),
  ];
  const own = packed.map(({ manifest }) => [manifest.name, manifest.version] as const);
  const { name, version, description, license, type, engines } = rootManifest;
  await writeJson(path.join(target, 'package.json'), {
    ...{ name, version, description, license, type, engines },
    bin: { sonde: `node_modules/${COMMAND}/bin/sonde.js` },
    dependencies: Object.fromEntries([...own, ...versions.filter(([one]) => !OPTIONAL.has(one))]),
    optionalDependencies: Object.fromEntries(versions.filter(([one]) => OPTIONAL.has(one))),
    bundleDependencies: own.map(([one]) => one),
  });
  for (const file of ['README.md', 'LICENSE']) await cp(path.join(root, file), path.join(target, file));
}

/** A workspace and those it depends on, each once. */
function closure(name: string, all: ReadonlyMap<string, Workspace>): Workspace[] {
  const found = new Map<string, Workspace>();
  const visit = (one: string) => {
    const workspace = all.get(one);
    if (!workspace || found.has(one)) return;
    found.set(one, workspace);
    Object.keys(workspace.manifest.dependencies ?? {}).forEach(visit);
  };
  visit(name);
  return [...found.values()];
}

/** The packages of others that workspaces depend on, with the version that each workspace resolves. */
async function installedVersions(
  workspaces: readonly Workspace[],
  shared: string,
): Promise<(readonly [name: string, version: string])[]> {
  const found = new Map<string, string>();
  for (const { folder, manifest } of workspaces) {
    for (const name of Object.keys(manifest.dependencies ?? {})) {
      if (name.startsWith('@sonde/')) continue;
      const own = path.join(folder, 'node_modules', name);
      const { version } = await readManifest(existsSync(own) ? own : path.join(shared, name));
      const other = found.get(name);
      if (other !== undefined && other !== version)
        throw new Error(`workspaces depend on ${name} ${other} and ${version}: align their versions`);
      found.set(name, version);
    }
  }
  return [...found].sort(([one], [other]) => one.localeCompare(other));
}

/** Dependencies are those of the package, so that npm does not bundle them too. */
async function stageWorkspace({ folder, manifest }: Workspace, target: string): Promise<void> {
  const staged = path.join(target, 'node_modules', manifest.name);
  const { name, version, license, type, exports, files = [] } = manifest;
  await mkdir(staged, { recursive: true });
  await writeJson(path.join(staged, 'package.json'), { name, version, license, type, exports });
  if (existsSync(path.join(folder, 'tsconfig.json'))) await stageCode(folder, staged);
  for (const file of files) {
    // The probe is built only where clang is installed.
    if (existsSync(path.join(folder, file)))
      await cp(path.join(folder, file), path.join(staged, file), { recursive: true, filter: isNoSource });
  }
}

/** Copies compiled modules that still have a source; tests stay out. */
async function stageCode(folder: string, staged: string): Promise<void> {
  const compiled = path.join(folder, 'dist');
  const modules = existsSync(compiled) ? await readdir(compiled, { recursive: true }) : [];
  const current = modules.filter(
    (module) =>
      /(?<!\.test)\.js$/.test(module) && existsSync(path.join(folder, module.replace(/\.js$/, '.ts'))),
  );
  if (current.length === 0) throw new Error(`${folder} is not compiled: run \`npm run setup\``);
  for (const module of current) await cp(path.join(compiled, module), path.join(staged, 'dist', module));
}

async function readManifest(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')) as Manifest;
}

function writeJson(file: string, value: object): Promise<void> {
  return writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}

function isNoSource(file: string): boolean {
  return !file.endsWith('.ts');
}
