import { bytesText } from '../flow-table/cells.js';
import type { Paint } from '../flow-table/color.js';
import { formatTable } from '../table/format.js';

/** What `GET /api/v1/policies` answers, as far as it is shown. */
export interface ActivityAnswer {
  readonly cluster: string;
  readonly from: string;
  readonly to: string;
  readonly tiers: readonly {
    readonly name: string;
    readonly exists: boolean;
    readonly order?: number;
    readonly defaultAction: string;
    readonly policies: readonly PolicyActivity[];
  }[];
  readonly problems: readonly { readonly kind: string; readonly name: string; readonly reason: string }[];
}

interface PolicyActivity extends PolicyHits {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly order?: number;
  readonly staged?: string;
}

interface PolicyHits {
  readonly hits: { readonly actions: Actions };
  readonly pendingHits: { readonly actions: Actions };
  readonly lastHit?: string;
  readonly neverHit: boolean;
}

type Actions = Readonly<Record<string, { readonly connections: number; readonly bytes: number }>>;

/** Tiers one below the other, each with its policies in the order of evaluation and what they matched. */
export function activityText({ cluster, from, to, tiers, problems }: ActivityAnswer, paint: Paint): string {
  const parts = tiers.flatMap(({ name, exists, order, defaultAction, policies }) => {
    const facts = [
      ...(exists ? [] : ['there is no such tier']),
      ...(order === undefined ? [] : [`order ${order}`]),
      `else ${defaultAction}`,
    ];
    const title = `${paint('bold', `Tier ${name}`)} (${facts.join(', ')})`;
    if (policies.length === 0) return [title, '  no policies', ''];
    const header = ['ORDER', 'POLICY', 'ALLOW', 'DENY', 'PASS', 'BYTES', 'LAST HIT'];
    const table = formatTable(header, policies.map(policyCells), [0, 2, 3, 4, 5]);
    return [title, ...table.split('\n').map((line) => `  ${line}`), ''];
  });
  const broken = problems.map(({ kind, name, reason }) =>
    paint('red', `${kind} ${name} cannot be used: ${reason}`),
  );
  return [`Cluster ${cluster}, connections from ${from} to ${to}`, '', ...parts, ...broken]
    .join('\n')
    .trimEnd();
}

function policyCells(policy: PolicyActivity): string[] {
  const { kind, namespace, name, order, staged, hits, pendingHits, lastHit, neverHit } = policy;
  // What a staged policy does, it does only as if it were enforced.
  const { actions } = staged === undefined ? hits : pendingHits;
  const count = (action: string) => String(actions[action]?.connections ?? 0);
  const bytes = Object.values(actions).reduce((sum, one) => sum + one.bytes, 0);
  const label = staged === undefined ? '' : ` (staged: ${staged})`;
  return [
    order === undefined ? '-' : String(order),
    `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}${label}`,
    ...['allow', 'deny', 'pass'].map(count),
    bytesText(bytes),
    neverHit ? 'never' : (lastHit ?? '-'),
  ];
}
