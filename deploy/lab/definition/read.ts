import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { readCluster, type LabCluster } from './cluster.js';
import { Fields, LabDefinitionError } from './fields.js';
import { readOutside, type Outside } from './outside.js';
import { readTraffic, type Traffic } from './traffic.js';

/** A lab definition, read from its folder. */
export interface LabDefinition {
  manifestsDirectory: string;
  cluster: LabCluster;
  outside: Outside;
  traffic: Traffic;
  /** An nftables script that every node loads. */
  enforcement: string;
}

/**
 * Reads a definition: `manifests/*.yaml` (Kubernetes objects), `outside.yaml`, `traffic.yaml` and `enforcement.nft`.
 * @throws {LabDefinitionError} when something in it is missing or wrong.
 */
export async function readDefinition(directory: string): Promise<LabDefinition> {
  const manifestsDirectory = path.join(directory, 'manifests');
  const cluster = readCluster(await readManifests(manifestsDirectory));
  const [outside] = await readYaml(path.join(directory, 'outside.yaml'));
  const [traffic] = await readYaml(path.join(directory, 'traffic.yaml'));
  if (!outside || !traffic)
    throw new LabDefinitionError(`outside.yaml or traffic.yaml in ${directory} is empty.`);
  return {
    manifestsDirectory,
    cluster,
    outside: readOutside(outside),
    traffic: readTraffic(traffic, cluster),
    enforcement: await readText(path.join(directory, 'enforcement.nft')),
  };
}

async function readManifests(directory: string): Promise<Fields[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    throw new LabDefinitionError(`The lab's manifests cannot be read: ${String(error)}`);
  });
  const files = names.filter((name) => name.endsWith('.yaml')).sort();
  return (await Promise.all(files.map((name) => readYaml(path.join(directory, name))))).flat();
}

async function readYaml(file: string): Promise<Fields[]> {
  return parseAllDocuments(await readText(file)).map((document, index) => {
    const where = `${file}[${index}]`;
    const [error] = document.errors;
    if (error) throw new LabDefinitionError(`${where} is not YAML: ${error.message}`);
    return new Fields(document.toJS(), where);
  });
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw new LabDefinitionError(`The lab's definition cannot be read: ${String(error)}`);
  });
}
