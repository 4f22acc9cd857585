import type { ManifestCluster } from '@sonde/model/policy/manifests/cluster';
import type { Program } from '@sonde/model/policy/evaluate/program';
import { InputError, loadCluster } from './load.js';
import { formatTable } from '../table/format.js';

/** One policy that applies to a pod. */
interface Applying {
  readonly direction: 'egress' | 'ingress';
  readonly tier: string;
  readonly policy: string;
  /** Null for policies without an order, which come last. */
  readonly order: number | null;
  readonly staged: boolean;
  readonly rules: number;
  /** What becomes of connections that no rule of the tier matches. */
  readonly tierDefault: 'deny' | 'pass';
}

/**
 * Lists what selects a pod, per direction and tier, in the order of evaluation.
 * @throws InputError naming whatever cannot be read, or is not there.
 */
export async function explain(
  name: string,
  manifests: readonly string[],
  output: 'json' | 'table',
): Promise<string> {
  const cluster = await loadCluster(manifests);
  const { applying, note } = whatSelects(cluster, name);
  if (output === 'json') return JSON.stringify({ pod: name, applying, note }, null, 2);
  if (applying.length === 0) return note;
  const rows = applying.map(({ direction, tier, policy, order, staged, rules, tierDefault }) => [
    direction,
    tier,
    policy,
    order === null ? '-' : String(order),
    staged ? 'staged' : 'enforced',
    String(rules),
    tierDefault,
  ]);
  const header = ['DIRECTION', 'TIER', 'POLICY', 'ORDER', 'STATE', 'RULES', 'OTHERWISE'];
  return `${formatTable(header, rows)}\n${note}`;
}

function whatSelects(cluster: ManifestCluster, name: string): { applying: Applying[]; note: string } {
  const pod = cluster.pods.get(name);
  if (!pod) throw new InputError([`There is no pod ${name} in the manifests.`]);
  if (pod.hostNetwork) {
    return { applying: [], note: `${name} is on its node's network: policies do not select it as a pod.` };
  }
  const { evaluator } = cluster;
  const identity = evaluator.identify(pod.addresses[0], 0, pod);
  const applying = (['egress', 'ingress'] as const).flatMap((direction) =>
    policiesOf(evaluator.program(identity, direction)),
  );
  return {
    applying,
    note:
      applying.length === 0
        ? `No policy selects ${name}: everything is allowed.`
        : `What every tier passes is allowed by the profile kns.${pod.namespace}.`,
  };
}

function policiesOf(program: Program | undefined): Applying[] {
  return (program?.tiers ?? []).flatMap(({ name, defaultAction, policies }) =>
    policies.map(({ policy, rules }) => ({
      direction: program?.direction ?? 'egress',
      tier: name,
      policy: policy.reference,
      order: Number.isFinite(policy.order) ? policy.order : null,
      staged: policy.staged,
      rules: rules.length,
      tierDefault: defaultAction,
    })),
  );
}
