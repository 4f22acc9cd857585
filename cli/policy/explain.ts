import { type ApplicablePolicy, applicablePolicies } from '@sonde/model/policy/applicable-policies';
import type { ManifestCluster } from '@sonde/model/policy/manifests/cluster';
import { connect, type ServerOptions } from '../client/connection.js';
import { InputError, loadCluster } from './load.js';
import { formatTable } from '../table/format.js';
import { jsonText, printable } from '../table/printable.js';
import type { Screen } from '../table/screen.js';

interface ApplyingAnswer {
  readonly at: string;
  readonly pods: readonly {
    readonly kind: string;
    readonly labels: string;
    readonly serviceAccount: string;
    readonly applying: readonly ApplicablePolicy[];
  }[];
}

export interface ExplainOptions extends ServerOptions {
  readonly manifests?: readonly string[];
  readonly cluster?: string;
  readonly since: string;
  readonly at: string;
  readonly output: 'json' | 'table';
}

/**
 * Lists the policies that select a pod of manifests, or a workload of a server, in evaluation order.
 * @throws InputError with everything that cannot be read or does not exist.
 */
export function explain(
  name: string,
  options: ExplainOptions,
  { width }: Pick<Screen, 'width'>,
): Promise<string> {
  const { manifests, output } = options;
  return manifests
    ? explainByManifests(name, manifests, output, width)
    : explainByServer(name, options, width);
}

async function explainByServer(
  name: string,
  options: ExplainOptions,
  width: number | undefined,
): Promise<string> {
  const [namespace, own, ...more] = name.split('/');
  if (!namespace || !own || more.length > 0) throw new InputError([`${name} is not namespace/workload.`]);
  const client = await connect(options);
  const { cluster, since: from, at: to, output } = options;
  const parameters = { cluster, from, to, namespace, name: own };
  const answer = await client.get<ApplyingAnswer>('policies/applying', parameters);
  if (output === 'json') return jsonText(answer, 2);
  return printable(answer)
    .pods.map(({ kind, labels, serviceAccount, applying }) => {
      const who = `${name}, ${kind === 'pod' ? `pods with ${labels || 'no labels'}` : 'on the host network'}`;
      const account = serviceAccount === '' ? '' : ` of service account ${serviceAccount}`;
      return `${who}${account}\n${applying.length === 0 ? NOTHING_SELECTS : applyingTable(applying, width)}`;
    })
    .join('\n\n');
}

const NOTHING_SELECTS = 'No policy selects it: everything is allowed.';

async function explainByManifests(
  name: string,
  manifests: readonly string[],
  output: 'json' | 'table',
  width: number | undefined,
): Promise<string> {
  const cluster = await loadCluster(manifests);
  const { applying, note } = policiesOf(cluster, name);
  if (output === 'json') {
    const listed = applying.map((one) => ({ ...one, order: one.order ?? null }));
    return jsonText({ pod: name, applying: listed, note }, 2);
  }
  return applying.length === 0 ? note : `${applyingTable(printable(applying), width)}\n${note}`;
}

function applyingTable(applying: readonly ApplicablePolicy[], width: number | undefined): string {
  const rows = applying.map(({ direction, tier, policy, order, staged, rules, tierDefault }) => [
    ...[direction, tier, policy, order === undefined ? '-' : String(order)],
    ...[staged ? 'staged' : 'enforced', String(rules), tierDefault],
  ]);
  const header = ['DIRECTION', 'TIER', 'POLICY', 'ORDER', 'STATE', 'RULES', 'DEFAULT'];
  return formatTable(header, rows, { width });
}

function policiesOf(cluster: ManifestCluster, name: string): { applying: ApplicablePolicy[]; note: string } {
  const pod = cluster.pods.get(name);
  if (!pod) throw new InputError([`There is no pod ${name} in the manifests.`]);
  if (pod.hostNetwork) {
    return { applying: [], note: `${name} is on the host network: policies do not select it as a pod.` };
  }
  const { evaluator } = cluster;
  const identity = evaluator.identify(pod.addresses[0], 0, pod);
  const applying = applicablePolicies(evaluator, identity);
  return {
    applying,
    note:
      applying.length === 0
        ? `No policy selects ${name}: everything is allowed.`
        : `Connections that every tier passes are allowed by the profile kns.${pod.namespace}.`,
  };
}
