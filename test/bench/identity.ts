import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

/**
 * Measures an enricher, in a process of its own, on a cluster of 50,000 pods and 5,000 services with workloads and
 * policies, served by a fake API server in a thread: the time to read the cluster, the memory after enriching flows of
 * every pod, random lookups by address and time, and pods created and deleted on reused addresses.
 */
export async function run(): Promise<Record<string, number>> {
  const server = new Worker(new URL('./identity-server.js', import.meta.url));
  try {
    const [url] = (await once(server, 'message')) as [string];
    const enricher = fork(fileURLToPath(new URL('./identity-enricher.js', import.meta.url)), [url]);
    const ended = once(enricher, 'exit').then(([code]) => {
      throw new Error(`the enricher exited with ${String(code)} before it reported figures`);
    });
    const [figures] = (await Promise.race([once(enricher, 'message'), ended])) as [Record<string, number>];
    ended.catch(() => undefined);
    return figures;
  } finally {
    await server.terminate();
  }
}
