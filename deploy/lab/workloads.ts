import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { inNamespace } from './command/namespace.js';
import { searchPath } from './command/run.js';
import type { LabCluster, LabService } from './definition/cluster.js';
import { LabDefinitionError } from './definition/fields.js';
import type { Outside } from './definition/outside.js';
import type { LabDefinition } from './definition/read.js';
import type { WorkloadTraffic } from './definition/traffic.js';
import { outsideNamespace, podNamespace } from './network/names.js';
import { workloadProgram } from './paths.js';
import type { WorkloadConfiguration } from './workload/tasks.js';

/** The running processes of a lab. */
export interface Workloads {
  /** Stops all processes and resolves after their exit. */
  stop(): Promise<void>;
}

/**
 * Starts a process for each pod and one for the external network; resolves when all servers listen. With `call` they
 * then make the calls of the definition's traffic. The processes exit when this process exits or is killed.
 */
export async function startWorkloads(
  lab: string,
  { cluster, outside, traffic }: LabDefinition,
  options: { call: boolean; log: (line: string) => void },
): Promise<Workloads> {
  const zone = zoneOf(cluster, outside);
  const dnsServers = dnsServersOf(cluster);
  const configure = ({ serve, call }: WorkloadTraffic): WorkloadConfiguration => ({
    dnsServers,
    serve: serve.map((task) => (task.kind === 'dns' ? { ...task, zone } : task)),
    call,
  });
  const processes = [
    ...traffic.pods.map(({ pod, ...tasks }) =>
      startWorkload(`${pod.namespace}/${pod.name}`, podNamespace(lab, pod), configure(tasks), options.log),
    ),
    ...traffic.outside.map((tasks) =>
      startWorkload('outside', outsideNamespace(lab), configure(tasks), options.log),
    ),
  ];
  const workloads = {
    stop: async () => {
      await Promise.all(processes.map((process) => process.stop()));
    },
  };
  try {
    await Promise.all(processes.map((process) => process.listening));
  } catch (error) {
    await workloads.stop();
    throw error;
  }
  if (options.call) for (const process of processes) process.startCalls();
  return workloads;
}

/** The process of one pod. */
export interface WorkloadProcess {
  /** Rejects when the process ends before its servers listen. */
  listening: Promise<void>;
  startCalls(): void;
  stop(): Promise<void>;
}

/** Starts the process of a pod, in the pod's network namespace. */
export function startWorkload(
  name: string,
  netns: string,
  configuration: WorkloadConfiguration,
  log: (line: string) => void,
): WorkloadProcess {
  const [program, ...args] = inNamespace(netns, [process.execPath, workloadProgram]);
  // In a process group of its own, so that a terminal's Ctrl-C reaches the lab's owner alone, which ends this.
  const child = spawn(program, args, { detached: true, env: { ...process.env, PATH: searchPath } });
  let stopping = false;
  createInterface({ input: child.stderr }).on('line', (line) => log(`${name}: ${line}`));
  // The pipe breaks when the process dies; the `exit` event reports that.
  child.stdin.on('error', () => undefined);
  child.stdin.write(`${JSON.stringify(configuration)}\n`);
  const exited = exitOf(child);
  void exited.then((how) => {
    if (!stopping) log(`${name}: the workload exited with ${how}`);
  });
  return {
    listening: Promise.race([
      once(createInterface({ input: child.stdout }), 'line').then(() => undefined),
      exited.then((how) => {
        throw new Error(`The workload of ${name} exited with ${how} before it listened.`);
      }),
    ]),
    startCalls: () => {
      child.stdin.write('call\n');
    },
    stop: async () => {
      stopping = true;
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Exit code or signal of a process, or why it did not start. */
function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, signal) => resolve(code === null ? String(signal) : `code ${code}`));
  });
}

/** The records of the cluster's DNS: services, headless services by endpoint, and external hosts. */
function zoneOf({ services }: LabCluster, { hosts }: Outside): Record<string, string[]> {
  return Object.fromEntries([
    ...services.map((service) => [
      `${service.name}.${service.namespace}.svc.cluster.local`,
      service.addresses.length > 0 ? service.addresses : endpointAddresses(service),
    ]),
    ...hosts.map((host) => [host.domain, host.addresses]),
  ]) as Record<string, string[]>;
}

function endpointAddresses({ ports }: LabService): string[] {
  return [...new Set(ports.flatMap((port) => port.endpoints.map(({ address }) => address)))];
}

/** Addresses of the cluster's DNS service. */
export function dnsServersOf({ services }: LabCluster): string[] {
  const dns = services.find(({ namespace, name }) => namespace === 'kube-system' && name === 'kube-dns');
  if (!dns)
    throw new LabDefinitionError('The manifests contain no Service kube-dns in namespace kube-system.');
  return dns.addresses;
}
