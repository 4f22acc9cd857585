import { readFile } from 'node:fs/promises';
import type https from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';

type RequestOptions = https.RequestOptions & { headers: Record<string, string> };

/**
 * What requests to an API server are authorized by: certificates, a token, a file that holds one and may change, or a
 * program that gives either (Kubernetes, "client-go credential plugins").
 */
export class Credentials {
  readonly #read: () => KubeConfig;
  #config: KubeConfig;
  /** A program that is asked now, for all requests that wait for it; what it gives is then remembered. */
  #asking: Promise<void> | undefined;

  /** `read` gives the configuration, and is asked again when the server has refused what it said. */
  constructor(read: () => KubeConfig) {
    this.#read = read;
    this.#config = read();
  }

  /** The server's URL. @throws Error if the configuration leads to none. */
  get server(): string {
    const server = this.#config.getCurrentCluster()?.server;
    if (server === undefined) throw new Error('the kubeconfig has no current cluster');
    return server.replace(/\/$/, '');
  }

  /**
   * Completes the options of a request, and gives the configuration that it took.
   * @throws Error if a file cannot be read or a program fails.
   */
  async apply(options: RequestOptions): Promise<KubeConfig> {
    const config = this.#config;
    this.#asking ??= config.applyToHTTPSOptions({ headers: {} }).finally(() => (this.#asking = undefined));
    await this.#asking;
    await config.applyToHTTPSOptions(options);
    const provider: unknown = config.getCurrentUser()?.authProvider;
    const { tokenFile } = (provider as { config?: { tokenFile?: string } } | undefined)?.config ?? {};
    if (tokenFile !== undefined) {
      // Nodes renew the tokens of pods in place, so the file is read each time.
      options.headers['Authorization'] = `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}`;
    }
    return config;
  }

  /** Says that the server refused a configuration: it and what a program gave by it are asked for again. */
  refused(config: KubeConfig): void {
    if (config === this.#config) this.#config = this.#read();
  }
}
