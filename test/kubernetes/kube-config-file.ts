import { writeFile } from 'node:fs/promises';
import path from 'node:path';

/** What a kubeconfig says of a server and a user, in its own words. */
export interface KubeConfigContent {
  readonly cluster: Readonly<Record<string, unknown>>;
  readonly user: Readonly<Record<string, unknown>>;
}

/** Writes a kubeconfig of one context into a folder, and gives its path. */
export async function writeKubeConfig(
  directory: string,
  { cluster, user }: KubeConfigContent,
  name = 'kubeconfig',
): Promise<string> {
  const file = path.join(directory, name);
  const config = {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'test' },
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'sonde', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'sonde' } }],
  };
  // JSON is YAML.
  await writeFile(file, JSON.stringify(config));
  return file;
}
