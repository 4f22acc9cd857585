import { KubeConfig } from '@kubernetes/client-node';

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
  if (!config.getCurrentCluster())
    throw new Error(
      choice === 'usual places'
        ? 'no kubeconfig leads to a cluster'
        : `${choice.file}: no current context that leads to a cluster`,
    );
  return config;
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
