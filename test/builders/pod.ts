import type { KubernetesObject } from '@sonde/model/cluster/objects';

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

/** A pod as the API server returns it, including fields that Sonde ignores. */
export function buildPod({
  name,
  uid = name,
  ip,
  startMs,
  endMs,
  node = 'node-a',
  labels,
}: PodChoice): KubernetesObject {
  const started = new Date(startMs).toISOString();
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...{ name, namespace: 'shop', uid, creationTimestamp: started, labels: { app: 'web', ...labels } },
      ...{
        annotations: { note: 'x'.repeat(200) },
        managedFields: [{ manager: 'kubelet', operation: 'Update' }],
      },
    },
    ...{
      spec: {
        ...{
          nodeName: node,
          serviceAccountName: 'web',
          restartPolicy: 'Always',
          volumes: [{ name: 'token' }],
        },
        containers: [
          { name: 'web', image: 'example.com/web:1', ports: [{ name: 'http', containerPort: 8080 }] },
        ],
      },
      status: {
        ...{ startTime: started, podIPs: ip === '' ? [] : [{ ip }] },
        ...(endMs === undefined ? { phase: 'Running' } : ended(endMs)),
      },
    },
  };
}

/** The status of a pod whose only container terminated before `endMs`; times are truncated to seconds. */
function ended(endMs: number) {
  const finishedAt = new Date(endMs - 1000).toISOString();
  return { phase: 'Succeeded', containerStatuses: [{ state: { terminated: { finishedAt } } }] };
}
