import type { FieldDeclaration } from './field.js';

/** What the record says of one end of the connection; `prefix` is `src` (client) or `dst` (server). */
export function endFields<const Prefix extends 'src' | 'dst'>(prefix: Prefix, end: string) {
  return [
    {
      name: `${prefix}_kind`,
      type: 'enumeration',
      values: ['external', 'pod', 'node', 'host_network_pod', 'service', 'network_set'],
      origin: 'context',
      aggregation: 'key',
      description: `What the ${end}'s address belonged to at the flow's time`,
    },
    text('namespace', `Namespace of the ${end}; empty if it has none`),
    text('name', `Name of the ${end}: pod, node, service or network set; empty if external`),
    text('workload', `Name of the workload that owns the ${end}'s pod`),
    text(
      'workload_kind',
      `Kind of that workload: Deployment, StatefulSet, DaemonSet, Job, CronJob, ReplicaSet or Pod`,
    ),
    text('service_account', `Service account of the ${end}'s pod`),
    text('labels', `Labels of the ${end}: sorted k=v pairs, comma-separated, without per-replica labels`),
    text('node', `Node that the ${end} runs on`),
    text('zone', `Availability zone of that node`),
    text('network_sets', `Network sets that hold the ${end}'s address, most specific first, comma-separated`),
    text('domain', `Domain name of the ${end}, learned from DNS answers or TLS`),
    {
      name: `${prefix}_process`,
      type: 'text',
      origin: 'observed',
      aggregation: 'key',
      description: `Process that owns the ${end}'s socket, where it is on the reporting node`,
    },
    {
      name: `${prefix}_cgroup`,
      type: 'uint64',
      origin: 'observed',
      aggregation: 'last',
      description: `Control group (its inode number) of that process; 0 if not known`,
    },
  ] as const satisfies readonly FieldDeclaration[];

  function text<const Name extends string>(name: Name, description: string) {
    return {
      name: `${prefix}_${name}` as const,
      type: 'text',
      origin: 'context',
      aggregation: 'key',
      description,
    } as const;
  }
}
