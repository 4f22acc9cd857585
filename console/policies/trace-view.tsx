import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { stringify } from 'yaml';
import { usePageLink } from '../host/page-state.js';
import { VerdictBadge } from '../records/verdict.js';
import { LinkButton, useStyles2 } from '../kit/ui.js';
import { type PolicyOverview, policyOfStep, ruleOf } from './policy.js';
import { policyName, type SideTrace, type TraceStep } from './trace.js';

interface Properties {
  readonly sides: readonly SideTrace[];
  /** Policies to show rules of; without them the trace is shown without YAML. */
  readonly overview: PolicyOverview | undefined;
}

/** A policy trace, tier by tier, with the YAML of the rule that decided at each side. */
export function TraceView({ sides, overview }: Properties) {
  const styles = useStyles2(getStyles);
  if (sides.length === 0) return <p>No policy applies to either end.</p>;
  return (
    <>
      {sides.map(({ direction, steps }) => (
        <section key={direction} aria-label={`${direction} policies`}>
          <h5>{direction === 'egress' ? 'Egress at the client' : 'Ingress at the server'}</h5>
          <ol className={styles.steps}>
            {steps.map((step, index) => (
              <Step
                key={index}
                step={step}
                direction={direction}
                decides={index === steps.length - 1}
                overview={overview}
              />
            ))}
          </ol>
        </section>
      ))}
    </>
  );
}

interface StepProperties {
  readonly step: TraceStep;
  readonly direction: 'egress' | 'ingress';
  readonly decides: boolean;
  readonly overview: PolicyOverview | undefined;
}

function Step({ step, direction, decides, overview }: StepProperties) {
  const styles = useStyles2(getStyles);
  const link = usePageLink();
  const policy = overview && policyOfStep(overview, step);
  const rule = policy && ruleOf(policy, direction, step.rule);
  return (
    <li className={cx(styles.step, decides && styles.decides)}>
      <div className={styles.line}>
        <span className={styles.tier}>{step.tier}</span>
        <span>{policyName(step.policy)}</span>
        <span>{step.rule < 0 ? 'end of tier: no rule matched' : `rule ${step.rule}`}</span>
        <VerdictBadge verdict={step.action} />
        {policy && (
          <LinkButton
            size="sm"
            fill="text"
            href={link('policies', { values: { policy: policy.place } })}
            aria-label={`Open policy ${policyName(step.policy)}`}
          >
            Open
          </LinkButton>
        )}
      </div>
      {decides && rule !== undefined && (
        <pre className={styles.yaml} aria-label="The rule that decided">
          {stringify(rule)}
        </pre>
      )}
    </li>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  steps: css({ listStyle: 'none', borderLeft: `2px solid ${theme.colors.border.medium}` }),
  step: css({ padding: theme.spacing(0.5, 1) }),
  decides: css({ background: theme.colors.background.secondary }),
  line: css({ display: 'flex', gap: theme.spacing(1), alignItems: 'center', flexWrap: 'wrap' }),
  tier: css({ color: theme.colors.text.secondary, minWidth: 80 }),
  yaml: css({ marginTop: theme.spacing(1), fontSize: theme.typography.bodySmall.fontSize }),
});
