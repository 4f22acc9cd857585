import { readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { execute, run, type Command, type CommandResult } from './run.js';

/** Runs a command inside a network namespace, to its end; see {@link execute}. */
export function execInNamespace(
  netns: string,
  command: Command,
  options: { input?: string; timeoutMs?: number } = {},
): Promise<CommandResult> {
  return execute(inNamespace(netns, command), options);
}

/** The command that runs another one inside a network namespace; the process stays the same (ip-netns(8)). */
export function inNamespace(netns: string, command: Command): Command {
  return ['ip', 'netns', 'exec', netns, ...command];
}

/** Names of the network namespaces whose names begin with a prefix, sorted. */
export async function listNamespaces(prefix: string): Promise<string[]> {
  try {
    const names = await readdir('/run/netns');
    return names.filter((name) => name.startsWith(prefix)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Stops all processes in these namespaces and removes the namespaces. */
export async function removeNamespaces(names: readonly string[]): Promise<void> {
  await Promise.all(names.map((name) => endProcesses(name)));
  await run(['ip', '-batch', '-'], { input: names.map((name) => `netns del ${name}\n`).join('') });
}

/** A killed process leaves its namespace at once; the deadline is for one stuck in the kernel. */
const processExitDeadlineMs = 5_000;

async function endProcesses(netns: string): Promise<void> {
  const deadline = Date.now() + processExitDeadlineMs;
  for (;;) {
    const pids = await processesIn(netns);
    if (pids.length === 0) return;
    if (Date.now() > deadline) {
      throw new Error(`Processes ${pids.join(', ')} in network namespace ${netns} did not exit.`);
    }
    for (const pid of pids) kill(pid);
    await sleep(20);
  }
}

async function processesIn(netns: string): Promise<number[]> {
  const { code, stdout } = await execute(['ip', 'netns', 'pids', netns]);
  // A creation that was cut short leaves a name without a namespace behind it: nothing can run in there.
  return code === 0 ? stdout.split('\n').filter(Boolean).map(Number) : [];
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
