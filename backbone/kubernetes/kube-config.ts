import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';

/** Which kubeconfig to use: a file, or `KUBECONFIG`, `~/.kube/config` or the service account of the pod. */
export type KubeConfigChoice = { readonly file: string } | 'usual places';

/** A kubeconfig that may change. */
export interface KubeConfigSource {
  /** @throws Error if it cannot be read, or has no current cluster. */
  read(): KubeConfig;
  /** Differs after its files have changed. */
  fingerprint(): string;
}

/** The kubeconfig of a choice, as its files are each time it is read. */
export function kubeConfigSource(choice: KubeConfigChoice): KubeConfigSource {
  return {
    read: () => readKubeConfig(choice),
    fingerprint: () => filesOf(choice).map(fileFingerprint).join(' '),
  };
}

function readKubeConfig(choice: KubeConfigChoice): KubeConfig {
  const config = new KubeConfig();
  if (choice === 'usual places') config.loadFromDefault();
  else config.loadFromFile(choice.file);
  useTokenFile(config, filesOf(choice));
  if (!config.getCurrentCluster())
    throw new Error(
      choice === 'usual places'
        ? 'no kubeconfig has a current cluster'
        : `${choice.file}: has no current context with a cluster`,
    );
  return config;
}

function fileFingerprint(file: string): string {
  // A file that is being replaced may be absent for a moment.
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat ? `${file}:${stat.ino}:${stat.size}:${stat.mtimeMs}` : file;
}

/** The kubeconfig files of a choice, as kubectl looks for them. */
function filesOf(choice: KubeConfigChoice): string[] {
  if (choice !== 'usual places') return [choice.file];
  const named = (process.env['KUBECONFIG'] ?? '').split(path.delimiter).filter(Boolean);
  const files = named.length > 0 ? named : [path.join(homedir(), '.kube/config')];
  return files.filter((file) => existsSync(file));
}

/** Makes the token of the current user be read from its `tokenFile`, if it has one, for each request. */
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

/** The fields of a kubeconfig that the library does not read. */
interface FileContent {
  readonly users?: readonly { readonly name?: string; readonly user?: { readonly tokenFile?: string } }[];
}

/** A kubeconfig for a server over plain HTTP, such as `kubectl proxy`. */
export function plainKubeConfig(
  server: string,
  token: string,
): KubeConfigSource & { readonly config: KubeConfig } {
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'plain', server, skipTLSVerify: true }],
    users: [{ name: 'plain', token }],
    contexts: [{ name: 'plain', cluster: 'plain', user: 'plain' }],
    currentContext: 'plain',
  });
  return { config, read: () => config, fingerprint: () => '' };
}
