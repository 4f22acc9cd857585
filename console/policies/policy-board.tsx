import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { formatCount } from '../records/quantity.js';
import { Badge, useStyles2 } from '../kit/ui.js';
import { type Policy, type PolicyHits, type PolicyOverview, policyTitle } from './policy.js';

interface Properties {
  readonly overview: PolicyOverview;
  /** The `place` of the selected policy. */
  readonly selected: string | undefined;
  readonly onSelect: (place: string) => void;
}

/** Tiers from left to right, in each its policies in order, with bars of what they allowed, denied and passed. */
export function PolicyBoard({ overview, selected, onSelect }: Properties) {
  const styles = useStyles2(getStyles);
  const most = Math.max(1, ...overview.tiers.flatMap(({ policies }) => policies.map(flowsOf)));
  return (
    <div className={styles.board}>
      {overview.tiers.map(({ name, defaultAction, policies }) => (
        <section key={name} className={styles.tier} aria-label={`Tier ${name}`}>
          <h4>{name}</h4>
          <p className={styles.note}>
            {policies.length} policies; end of tier: {defaultAction}
          </p>
          {policies.map((policy) => (
            <button
              key={policy.place}
              type="button"
              className={cx(styles.policy, policy.place === selected && styles.selected)}
              aria-pressed={policy.place === selected}
              onClick={() => onSelect(policy.place)}
            >
              <span>{policyTitle(policy)}</span>
              <span className={styles.badges}>
                {policy.kind.startsWith('Staged') && <Badge color="blue" text="staged" />}
                {policy.neverHit && <Badge color="orange" text="never hit" />}
              </span>
              <Bar hits={policy.hits ?? policy.pendingHits} most={most} />
            </button>
          ))}
        </section>
      ))}
    </div>
  );
}

function Bar({ hits, most }: { readonly hits: PolicyHits | undefined; readonly most: number }) {
  const styles = useStyles2(getStyles);
  const actions = (['allow', 'deny', 'pass'] as const).map((action) => ({
    action,
    flows: hits?.actions[action]?.flows ?? 0,
  }));
  const text = actions
    .filter(({ flows }) => flows > 0)
    .map(({ action, flows }) => `${action} ${formatCount(flows)}`);
  return (
    <>
      <span className={styles.bar} aria-hidden>
        {actions.map(({ action, flows }) => (
          <span
            key={action}
            className={styles[action]}
            style={{ width: `${(Math.log1p(flows) / Math.log1p(most)) * 33}%` }}
          />
        ))}
      </span>
      <small>{text.join(', ') || 'no flows'}</small>
    </>
  );
}

function flowsOf({ hits, pendingHits }: Policy): number {
  return Object.values((hits ?? pendingHits)?.actions ?? {}).reduce((sum, { flows }) => sum + flows, 0);
}

const getStyles = (theme: GrafanaTheme2) => ({
  board: css({ display: 'flex', gap: theme.spacing(2), overflowX: 'auto', alignItems: 'flex-start' }),
  tier: css({
    flex: '0 0 260px',
    padding: theme.spacing(1),
    background: theme.colors.background.secondary,
    borderRadius: theme.shape.radius.default,
  }),
  note: css({ color: theme.colors.text.secondary }),
  policy: css({
    display: 'block',
    width: '100%',
    textAlign: 'left',
    padding: theme.spacing(1),
    marginBottom: theme.spacing(1),
    background: theme.colors.background.primary,
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    overflowWrap: 'anywhere',
  }),
  selected: css({ borderColor: theme.colors.primary.border }),
  badges: css({ float: 'right' }),
  bar: css({
    display: 'flex',
    height: 6,
    margin: theme.spacing(0.5, 0),
    background: theme.colors.background.secondary,
  }),
  allow: css({ background: theme.colors.success.main }),
  deny: css({ background: theme.colors.error.main }),
  pass: css({ background: theme.colors.info.main }),
});
