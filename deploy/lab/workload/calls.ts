import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from './connect.js';
import { httpCaller } from './http-client.js';
import { ping } from './ping.js';
import { resolveBy, type Resolve } from './resolve.js';
import type { CallTask, Outcome, WorkloadConfiguration } from './tasks.js';

/** The relative jitter of the pause between two calls. */
const jitter = 0.1;

/**
 * Makes all calls until the process exits. Reports a call once when its outcome changes from expected to unexpected or
 * back.
 */
export function startCalls(
  { call, dnsServers }: WorkloadConfiguration,
  report: (line: string) => void,
): void {
  const resolve = resolveBy(dnsServers);
  for (const task of call) void repeat(task, caller(task, resolve), report);
}

function caller(task: CallTask, resolve: Resolve): () => Promise<Outcome> {
  switch (task.kind) {
    case 'http':
      return httpCaller(task, resolve);
    case 'connect':
      return async () => connect(await resolve(task.host, task.family), task.port, task.from);
    case 'ping':
      return async () => ping(await resolve(task.host, task.family), task.requests, task.from);
  }
}

async function repeat(
  task: CallTask,
  makeCall: () => Promise<Outcome>,
  report: (line: string) => void,
): Promise<never> {
  let before: string = task.expect;
  // Calls of one process start spread over their first interval, not all at once.
  await sleep(Math.random() * task.everyMs);
  for (;;) {
    const outcome = await makeCall().catch((error: unknown) => String(error));
    if (outcome !== before) report(`${describe(task)} was ${outcome}, expected ${task.expect}`);
    before = outcome;
    await sleep(task.everyMs * (1 + jitter * (2 * Math.random() - 1)));
  }
}

function describe(task: CallTask): string {
  const to = task.kind === 'ping' ? task.host : `${task.host} port ${task.port}`;
  return `${task.kind} to ${to} over IPv${task.family}`;
}
