import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

/**
 * A cluster of 50,000 pods and 5,000 services, with its workloads and policies, as an API server (a fake, in a thread)
 * tells of it: how long an enricher in a process of its own takes to read it, and how much memory it has when it has
 * enriched flows of every pod; then look-ups by address and time in an order without pattern, and pods that come and
 * go on reused addresses.
 */
export async function run(): Promise<Record<string, number>> {
  const server = new Worker(new URL('./identity-server.js', import.meta.url));
  try {
    const [url] = (await once(server, 'message')) as [string];
    const enricher = fork(fileURLToPath(new URL('./identity-enricher.js', import.meta.url)), [url]);
    const ended = once(enricher, 'exit').then(([code]) => {
      throw new Error(`the enricher ended with ${String(code)} before it had figures`);
    });
    const [figures] = (await Promise.race([once(enricher, 'message'), ended])) as [Record<string, number>];
    ended.catch(() => undefined);
    return figures;
  } finally {
    await server.terminate();
  }
}
