import type { FieldDeclaration } from '../record/field.js';

/**
 * The identity that an address belonged to: of both sides in flow records, of the client in DNS records. `prefix` is `src`
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
    string('namespace', `Namespace of the ${end}; empty if it has none`),
    string('name', `Name of the ${end}: pod, node, service or network set; empty if external`),
    string('workload', `Name of the workload that owns the ${end}'s pod`),
    string(
      'workload_kind',
      `Kind of that workload: Deployment, StatefulSet, DaemonSet, Job, CronJob, ReplicaSet or Pod`,
    ),
    string('service_account', `Service account of the ${end}'s pod`),
    {
      ...string(
        'labels',
        `Labels of the ${end}: sorted k=v pairs, comma-separated, without per-replica labels`,
      ),
      form: 'labels',
    },
    string('node', `Node that the ${end} runs on`),
    string('zone', `Availability zone of that node`),
    {
      ...string(
        'network_sets',
        `Network sets that hold the ${end}'s address, most specific first, comma-separated`,
      ),
      form: 'list',
    },
  ] as const satisfies readonly FieldDeclaration[];

  function string<const Name extends string>(name: Name, description: string) {
    return {
      name: `${prefix}_${name}` as const,
      type: 'string',
      origin: 'context',
      description,
    } as const;
  }
}
