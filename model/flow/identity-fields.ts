import type { FieldDeclaration } from '../record/field.js';

/**
 * Who an address belonged to, as flows say it of both ends and DNS lookups of their client. `prefix` is `src`
 * (client) or `dst` (server).
 */
export function identityFields<const Prefix extends 'src' | 'dst'>(prefix: Prefix, end: string) {
  return [
    {
      name: `${prefix}_kind`,
      type: 'enumeration',
      values: ['external', 'pod', 'node', 'host_network_pod', 'service', 'network_set'],
      origin: 'context',
      description: `What the ${end}'s address belonged to at the record's time`,
    },
    text('namespace', `Namespace of the ${end}; empty if it has none`),
    text('name', `Name of the ${end}: pod, node, service or network set; empty if external`),
    text('workload', `Name of the workload that owns the ${end}'s pod`),
    text(
      'workload_kind',
      `Kind of that workload: Deployment, StatefulSet, DaemonSet, Job, CronJob, ReplicaSet or Pod`,
    ),
    text('service_account', `Service account of the ${end}'s pod`),
    {
      ...text(
        'labels',
        `Labels of the ${end}: sorted k=v pairs, comma-separated, without per-replica labels`,
      ),
      form: 'labels',
    },
    text('node', `Node that the ${end} runs on`),
    text('zone', `Availability zone of that node`),
    {
      ...text(
        'network_sets',
        `Network sets that hold the ${end}'s address, most specific first, comma-separated`,
      ),
      form: 'list',
    },
  ] as const satisfies readonly FieldDeclaration[];

  function text<const Name extends string>(name: Name, description: string) {
    return {
      name: `${prefix}_${name}` as const,
      type: 'text',
      origin: 'context',
      description,
    } as const;
  }
}
