import type { CallTask, Call, HttpService } from '../workload/tasks.js';
import { familyOf, podsByLabels, type LabCluster, type LabPod } from './cluster.js';
import type { Fields } from './fields.js';

/** Servers and calls of workloads. */
export interface Traffic {
  pods: PodTraffic[];
  outside: WorkloadTraffic[];
}

export interface PodTraffic extends WorkloadTraffic {
  pod: LabPod;
}

export interface WorkloadTraffic {
  serve: (HttpService | { kind: 'dns'; port: number })[];
  call: CallTask[];
}

/** Reads traffic.yaml; a workload of several pods gives each of them the same tasks. */
export function readTraffic(file: Fields, cluster: LabCluster): Traffic {
  const pods: PodTraffic[] = [];
  const outside: WorkloadTraffic[] = [];
  for (const workload of file.list('workloads')) {
    const tasks = {
      serve: workload.list('serve').map(readServe),
      call: workload.list('call').flatMap((call) => readCalls(call, cluster)),
    };
    if (workload.isTrue('outside')) outside.push(tasks);
    else pods.push(...selectPods(workload.fields('pods'), cluster).map((pod) => ({ pod, ...tasks })));
  }
  return { pods, outside };
}

function readServe(task: Fields): WorkloadTraffic['serve'][number] {
  return { kind: task.oneOf('kind', ['http', 'dns']), port: task.count('port') };
}

/** One call per host; a call to pods is one call per address. */
function readCalls(task: Fields, cluster: LabCluster): CallTask[] {
  const family = task.oneOf('family', [4, 6]);
  const hosts = task.has('toPods')
    ? selectPods(task.fields('toPods'), cluster)
        .flatMap((pod) => pod.addresses)
        .filter((address) => familyOf(address) === family)
    : [task.text('host')];
  return hosts.map((host) => readCall(task, { host, family }));
}

function readCall(task: Fields, to: Pick<Call, 'host' | 'family'>): CallTask {
  const call: Call = {
    ...to,
    everyMs: task.count('everyMs'),
    ...(task.has('from') ? { from: task.text('from') } : {}),
    expect: task.has('expect') ? task.oneOf('expect', ['answered', 'refused', 'unanswered']) : 'answered',
  };
  const kind = task.oneOf('kind', ['http', 'connect', 'ping']);
  switch (kind) {
    case 'http':
      return {
        ...call,
        kind,
        port: task.count('port'),
        connection: task.oneOf('connection', ['fresh', 'keep-alive']),
        requestBytes: task.count('requestBytes'),
        responseBytes: task.count('responseBytes'),
      };
    case 'connect':
      return { ...call, kind, port: task.count('port') };
    case 'ping':
      return { ...call, kind, requests: task.count('requests') };
  }
}

function selectPods(selection: Fields, cluster: LabCluster): LabPod[] {
  return podsByLabels(cluster, selection.text('namespace'), selection.textMap('labels'));
}
