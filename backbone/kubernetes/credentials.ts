import { readFile } from 'node:fs/promises';
import type https from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import type { KubeConfigSource } from './kube-config.js';

type RequestOptions = https.RequestOptions & { headers: Record<string, string> };

/** The credentials that a request has. */
export interface AppliedCredentials {
  /** URL of the API server, without a slash at the end. */
  readonly server: string;
  readonly config: KubeConfig;
}

/**
 * Credentials of requests to an API server: certificates, a token, a file that contains one and may change, or a
 * program that returns either (Kubernetes, "client-go credential plugins"). The kubeconfig is read again when it
 * has changed, and after a request failed with it.
 */
export class Credentials {
  readonly #source: KubeConfigSource;
  #config: KubeConfig;
  #fingerprint: string;
  #reload: 'no' | 'if changed' | 'always' = 'no';
  /** A running credential plugin, for all requests that wait for it; its result is then cached. */
  #plugin: Promise<void> | undefined;

  /** @throws Error if the kubeconfig cannot be read. */
  constructor(source: KubeConfigSource) {
    this.#source = source;
    this.#fingerprint = source.fingerprint();
    this.#config = source.read();
  }

  /**
   * Adds the credentials to the options of a request.
   * @throws Error if a file cannot be read or a program fails.
   */
  async apply(options: RequestOptions): Promise<AppliedCredentials> {
    this.#refresh();
    const config = this.#config;
    this.#plugin ??= config.applyToHTTPSOptions({ headers: {} }).finally(() => (this.#plugin = undefined));
    await this.#plugin;
    await config.applyToHTTPSOptions(options);
    const provider: unknown = config.getCurrentUser()?.authProvider;
    const { tokenFile } = (provider as { config?: { tokenFile?: string } } | undefined)?.config ?? {};
    if (tokenFile !== undefined) {
      // Nodes renew the tokens of pods in place, so the file is read for each request.
      options.headers['Authorization'] = `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}`;
    }
    const server = config.getCurrentCluster()?.server;
    if (server === undefined) throw new Error('the kubeconfig has no current cluster');
    return { server: server.replace(/\/$/, ''), config };
  }

  /** The server rejected the credentials (401): the kubeconfig is read and its credential plugin runs again. */
  rejected({ config }: AppliedCredentials): void {
    if (config === this.#config) this.#reload = 'always';
  }

  /** The connection failed: the kubeconfig is read again, as the server or its authority may have changed. */
  connectionFailed({ config }: AppliedCredentials): void {
    if (config === this.#config && this.#reload === 'no') this.#reload = 'if changed';
  }

  #refresh(): void {
    const fingerprint = this.#source.fingerprint();
    if (this.#reload === 'no' && fingerprint === this.#fingerprint) return;
    const config = this.#source.read();
    // An equal configuration keeps what its credential plugin returned.
    if (this.#reload === 'always' || config.exportConfig() !== this.#config.exportConfig())
      this.#config = config;
    this.#fingerprint = fingerprint;
    this.#reload = 'no';
  }
}
