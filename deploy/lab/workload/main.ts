import { createInterface } from 'node:readline';
import { startCalls } from './calls.js';
import { serveDns } from './dns-server.js';
import { serveHttp } from './http-server.js';
import type { WorkloadConfiguration } from './tasks.js';

/*
 * The program of every pod. Its standard input brings a line with its configuration, then, once all servers of
 * the lab listen, a line that starts its calls; it exits at the end of input, so that no workload outlives its lab's
 * owner. It writes `listening` to standard output, and unexpected results to standard error.
 */
const lines = createInterface({ input: process.stdin });
let configuration: WorkloadConfiguration | undefined;

lines.on('close', () => process.exit(0));
for await (const line of lines) {
  if (configuration) {
    startCalls(configuration, (message) => console.error(message));
  } else {
    configuration = JSON.parse(line) as WorkloadConfiguration;
    await Promise.all(
      configuration.serve.map((task) =>
        task.kind === 'http' ? serveHttp(task.port) : serveDns(task.port, task.zone),
      ),
    );
    console.log('listening');
  }
}
