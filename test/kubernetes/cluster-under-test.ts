import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { Credentials } from '@sonde/backbone/kubernetes/credentials';
import { kubeConfigSource } from '@sonde/backbone/kubernetes/kube-config';
import { eventually } from '../eventually.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import type { PodChoice } from '../builders/pod.js';
import { BUILT_IN_PATHS, FakeApiServer } from './fake-api-server.js';
import { writeKubeConfig } from './kube-config-file.js';

/**
 * An API server to which a test writes pods, in a namespace of its own: the server of `KUBECONFIG`, or else a fake one.
 * No node runs these pods: they name a scheduler that does not exist, and the test writes their status itself.
 */
export class ClusterUnderTest {
  readonly #credentials: Credentials;
  readonly #release: () => Promise<void>;

  private constructor(
    readonly kubeConfigFile: string,
    readonly namespace: string,
    release: () => Promise<void>,
  ) {
    this.#credentials = new Credentials(kubeConfigSource({ file: kubeConfigFile }));
    this.#release = release;
  }

  static async start(): Promise<ClusterUnderTest> {
    const namespace = `sonde-test-${process.pid}-${Date.now()}`;
    const given = process.env['KUBECONFIG'];
    let cluster: ClusterUnderTest;
    if (given === undefined || given === '') {
      const directory = temporaryDirectory('cluster');
      const server = new FakeApiServer(BUILT_IN_PATHS);
      await server.start();
      const access = { server: server.url, 'insecure-skip-tls-verify': true };
      const file = await writeKubeConfig(directory, { cluster: access, user: { token: 'any' } });
      cluster = new ClusterUnderTest(file, namespace, () => server.stop());
    } else cluster = new ClusterUnderTest(given, namespace, () => Promise.resolve());
    await cluster.#send('POST', '/api/v1/namespaces', {
      ...{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    });
    return cluster;
  }

  /** Deletes the namespace and everything in it. */
  async stop(): Promise<void> {
    await this.#send('DELETE', `/api/v1/namespaces/${this.namespace}`);
    await this.#release();
  }

  /** Creates a pod, which has no address yet. */
  async makePod({ name }: PodChoice): Promise<void> {
    const containers = [{ name: 'main', image: 'example.com/none:1' }];
    const pod = {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: 'web' } } },
      spec: { schedulerName: 'sonde-test-none', automountServiceAccountToken: false, containers },
    };
    // A namespace gets its service account, without which pods are refused, a moment after it was made.
    await eventually(() => this.#send('POST', this.#pods(), pod));
  }

  /** Says that a pod runs since its start, on its address. */
  startPod({ name, ip, startMs }: PodChoice): Promise<void> {
    const startTime = timeOf(startMs);
    const state = { running: { startedAt: startTime } };
    const status = {
      phase: 'Running',
      startTime,
      podIP: ip,
      podIPs: [{ ip }],
      containerStatuses: [container(state)],
    };
    return this.#send('PATCH', `${this.#pods()}/${name}/status`, { status });
  }

  /** Says that a pod's container had ended by `endMs`, and takes the pod out. */
  async endPod({ name, startMs }: PodChoice, endMs: number): Promise<void> {
    const finishedAt = timeOf(endMs - 1000);
    const state = { terminated: { exitCode: 0, startedAt: timeOf(startMs), finishedAt } };
    const status = { phase: 'Succeeded', containerStatuses: [container(state)] };
    await this.#send('PATCH', `${this.#pods()}/${name}/status`, { status });
    await this.#send('DELETE', `${this.#pods()}/${name}?gracePeriodSeconds=0`);
  }

  #pods(): string {
    return `/api/v1/namespaces/${this.namespace}/pods`;
  }

  async #send(method: string, resource: string, body?: object): Promise<void> {
    const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const options = { method, headers: { 'content-type': contentType } };
    const { server } = await this.#credentials.apply(options);
    const url = new URL(server + resource);
    const { request } = url.protocol === 'http:' ? http : https;
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      request(url, options, resolve)
        .on('error', reject)
        .end(body && JSON.stringify(body));
    });
    const answer = await text(response);
    if ((response.statusCode ?? 0) >= 300) throw new Error(`${method} ${resource}: ${answer.slice(0, 500)}`);
  }
}

/** A container's status with what the API server insists on. */
function container(state: object): object {
  return { name: 'main', image: 'example.com/none:1', imageID: '', ready: false, restartCount: 0, state };
}

/** A time as the API has it: whole seconds. */
function timeOf(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/\.\d+Z$/, 'Z');
}
