import { bytesText } from '../flow-table/cells.js';
import { formatTable } from '../table/format.js';
import type { Screen } from '../table/screen.js';
import { secondsText, type TimeFormat } from '../table/time.js';

/** The response of `GET /api/v1/policies`, as far as it is printed. */
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
export function activityText(
  { cluster, from, to, tiers, problems }: ActivityAnswer,
  { paint, width }: Screen,
  times: TimeFormat,
): string {
  const parts = tiers.flatMap(({ name, exists, order, defaultAction, policies }) => {
    const facts = [
      ...(exists ? [] : ['the tier does not exist']),
      ...(order === undefined ? [] : [`order ${order}`]),
      `default ${defaultAction}`,
    ];
    const title = `${paint('bold', `Tier ${name}`)} (${facts.join(', ')})`;
    if (policies.length === 0) return [title, '  no policies', ''];
    const header = ['ORDER', 'POLICY', 'KIND', 'ALLOW', 'DENY', 'PASS', 'BYTES', 'LAST HIT'];
    const table = formatTable(
      header,
      policies.map((policy) => policyCells(policy, times)),
      {
        numbers: [0, 3, 4, 5, 6],
        drop: [2, 6],
        width: width === undefined ? undefined : width - 2,
      },
    );
    return [title, ...table.split('\n').map((line) => `  ${line}`), ''];
  });
  const broken = problems.map(({ kind, name, reason }) =>
    paint('red', `${kind} ${name} is invalid and ignored: ${reason}`),
  );
  return [
    `Cluster ${cluster}, connections from ${secondsText(from, times)} to ${secondsText(to, times)}`,
    '',
    ...parts,
    ...broken,
  ]
    .join('\n')
    .trimEnd();
}

function policyCells(policy: PolicyActivity, times: TimeFormat): string[] {
  const { kind, namespace, name, order, staged, hits, pendingHits, lastHit, neverHit } = policy;
  // Staged policies match traffic only as if they were enforced.
  const { actions } = staged === undefined ? hits : pendingHits;
  const count = (action: string) => String(actions[action]?.connections ?? 0);
  const bytes = Object.values(actions).reduce((sum, one) => sum + one.bytes, 0);
  const label = staged === undefined ? '' : ` (staged: ${staged})`;
  return [
    order === undefined ? '-' : String(order),
    `${namespace === undefined ? '' : `${namespace}/`}${name}${label}`,
    kind,
    ...['allow', 'deny', 'pass'].map(count),
    bytesText(bytes),
    neverHit ? 'never' : lastHit === undefined ? '-' : secondsText(lastHit, times),
  ];
}
