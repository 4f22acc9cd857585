import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { readManifests, type Manifests } from '@sonde/backbone/manifests/read';
import { AddressError, parseAddress } from '@sonde/model/net/address';
import { readManifestCluster, type ManifestCluster } from '@sonde/model/policy/manifests/cluster';
import { tell } from '../table/tell.js';

/** Invalid input; each line says where, what and why. */
export class InputError extends Error {
  override readonly name = 'InputError';
  constructor(lines: readonly string[]) {
    super(lines.join('\n'));
  }
}

/**
 * Reads a cluster from manifests, and DNS answers from a file. Anything invalid is an error, because a verdict without
 * it could be wrong.
 * @throws InputError with file, line, object and field of everything that is invalid.
 */
export async function loadCluster(paths: readonly string[], dnsFile?: string): Promise<ManifestCluster> {
  const manifests = await readManifests(paths);
  const dns = dnsFile === undefined ? undefined : await readDns(dnsFile);
  const { cluster, problems } = readManifestCluster(
    manifests.objects.map(({ object }) => object),
    dns,
  );
  const lines = [
    ...manifests.problems.map(({ file, line, reason }) => `${file}:${line}: ${reason}`),
    ...problems.map(({ object, field, reason }) => `${nameObject(manifests, object)}: ${field} ${reason}`),
  ];
  if (lines.length > 0) throw new InputError(lines);
  for (const tier of cluster.evaluator.missingTiers) {
    tell(`Tier ${tier} does not exist; its policies are evaluated after all other tiers.`);
  }
  return cluster;
}

/** Reads JSON from a file, or from standard input for `-`. */
export async function readJson(file: string): Promise<unknown> {
  const read = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  try {
    return JSON.parse(read);
  } catch (error) {
    throw new InputError([`${file}: not JSON: ${error instanceof Error ? error.message : String(error)}`]);
  }
}

function nameObject({ objects }: Manifests, index: number): string {
  const found = objects[index];
  if (!found) return `object ${index}`;
  const { file, line, object } = found;
  const { namespace, name } = object.metadata;
  return `${file}:${line}: ${object.kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

async function readDns(file: string): Promise<Map<string, Uint8Array[]>> {
  const given = await readJson(file);
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new InputError([`${file}: must be an object of address lists by domain name`]);
  }
  const problems: string[] = [];
  const answers = Object.entries(given).map(([name, addresses]: [string, unknown]) => {
    const list: readonly unknown[] = Array.isArray(addresses) ? addresses : [];
    if (!Array.isArray(addresses)) problems.push(`${file}: ${name} must be a list of addresses`);
    return [name, list.flatMap((address) => parsed(address, `${file}: ${name}`, problems))] as const;
  });
  if (problems.length > 0) throw new InputError(problems);
  return new Map(answers);
}

function parsed(address: unknown, where: string, problems: string[]): Uint8Array[] {
  try {
    return [parseAddress(String(address))];
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    problems.push(`${where}: ${error.message}`);
    return [];
  }
}
