import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { pod } from './manifests.js';

export interface PodChoice {
  readonly name: string;
  readonly uid?: string;
  /** Empty for a pod that has no address yet. */
  readonly ip: string;
  readonly startMs: number;
  /** When its container terminated, as reported by the node. */
  readonly endMs?: number;
  readonly node?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A pod of namespace `shop` as the API server returns it, including fields that Sonde ignores. */
export function buildPod(choice: PodChoice): KubernetesObject {
  const { name, uid = name, ip, startMs, endMs, node = 'node-a', labels } = choice;
  const started = new Date(startMs).toISOString();
  const { spec, status, metadata, ...kind } = pod(`shop/${name}`, {
    ...{ node, serviceAccount: 'web', labels: { app: 'web', ...labels } },
    ...{ ips: ip === '' ? [] : [ip], ports: [{ name: 'http', containerPort: 8080 }] },
    startTime: started,
  });
  return {
    ...kind,
    metadata: {
      ...{ ...metadata, uid, creationTimestamp: started, annotations: { note: 'x'.repeat(200) } },
      managedFields: [{ manager: 'kubelet', operation: 'Update' }],
    },
    ...{
      spec: { ...spec, restartPolicy: 'Always', volumes: [{ name: 'token' }] },
      status: { ...status, ...(endMs !== undefined && ended(endMs)) },
    },
  };
}

/** The status of a pod whose only container terminated before `endMs`; times are truncated to seconds. */
function ended(endMs: number) {
  const finishedAt = new Date(endMs - 1000).toISOString();
  return { phase: 'Succeeded', containerStatuses: [{ state: { terminated: { finishedAt } } }] };
}
