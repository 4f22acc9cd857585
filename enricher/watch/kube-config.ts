import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';

/** Where the credentials of an API server are: a kubeconfig's file, or wherever they usually are. */
export type KubeConfigChoice = { readonly file: string } | 'usual places';

/**
 * Reads how to reach an API server. The usual places are `KUBECONFIG`, `~/.kube/config`, and a pod's own service
 * account.
 * @throws Error if the file cannot be read, or if nothing there leads to a cluster.
 */
export function readKubeConfig(choice: KubeConfigChoice): KubeConfig {
  const config = new KubeConfig();
  if (choice === 'usual places') config.loadFromDefault();
  else config.loadFromFile(choice.file);
  useTokenFile(config, filesOf(choice));
  if (!config.getCurrentCluster())
    throw new Error(
      choice === 'usual places'
        ? 'no kubeconfig leads to a cluster'
        : `${choice.file}: no current context that leads to a cluster`,
    );
  return config;
}

/** The kubeconfig files of a choice, as kubectl looks for them. */
function filesOf(choice: KubeConfigChoice): string[] {
  if (choice !== 'usual places') return [choice.file];
  const named = (process.env['KUBECONFIG'] ?? '').split(path.delimiter).filter(Boolean);
  const files = named.length > 0 ? named : [path.join(homedir(), '.kube/config')];
  return files.filter((file) => existsSync(file));
}

/** Has the token of the current user read from its `tokenFile`, if it has one, whenever it is needed. */
function useTokenFile(config: KubeConfig, files: readonly string[]): void {
  const user = config.getCurrentUser();
  if (!user) return;
  for (const file of files) {
    const content = parse(readFileSync(file, 'utf8')) as FileContent | null;
    const tokenFile = content?.users?.find(({ name }) => name === user.name)?.user?.tokenFile;
    if (tokenFile === undefined) continue;
    // A path in a kubeconfig is relative to it.
    const tokenPath = path.resolve(path.dirname(file), tokenFile);
    Object.assign(user, { authProvider: { name: 'tokenFile', config: { tokenFile: tokenPath } } });
    return;
  }
}

/** What is looked at in a kubeconfig beyond what is read from it already. */
interface FileContent {
  readonly users?: readonly { readonly name?: string; readonly user?: { readonly tokenFile?: string } }[];
}

/** A configuration for a server over plain HTTP, as `kubectl proxy` is. */
export function plainKubeConfig(server: string, token: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'plain', server, skipTLSVerify: true }],
    users: [{ name: 'plain', token }],
    contexts: [{ name: 'plain', cluster: 'plain', user: 'plain' }],
    currentContext: 'plain',
  });
  return config;
}
