import { stringify } from 'yaml';
import { AnswerView } from '../api/answer-view.js';
import { useAnswer } from '../api/use-answer.js';
import { useOpenPage, usePageLink, usePageState } from '../host/page-state.js';
import { DataTable } from '../records/data-table.js';
import { formatBytes, formatCount } from '../records/quantity.js';
import { VerdictBadge } from '../records/verdict.js';
import { Button, LinkButton, Stack } from '../kit/ui.js';
import { ChangeList, type PolicyChange } from './change-list.js';
import { type Policy, policyTitle, type RuleHits } from './policy.js';

/** A policy: its YAML, what each rule did, its flows, and who changed it. */
export function PolicyDetails({ policy, cluster }: { readonly policy: Policy; readonly cluster: string }) {
  const [{ range }] = usePageState();
  const link = usePageLink();
  const openPage = useOpenPage();
  const title = policyTitle(policy);
  const changes = useAnswer(
    JSON.stringify(['changes', cluster, range, policy.kind, title]),
    (query, signal) =>
      query.get<{ changes: readonly PolicyChange[] }>(
        '/api/v1/policies/changes',
        { ...range, cluster, kind: policy.kind, namespace: policy.namespace, name: policy.name, limit: 50 },
        signal,
      ),
  );
  return (
    <section aria-label={`Policy ${title}`}>
      <h3>
        {policy.kind} {title}
      </h3>
      <Stack gap={1}>
        <LinkButton
          size="sm"
          icon="list-ul"
          href={link('flows', { filter: `policy(${JSON.stringify(title)})` })}
        >
          Flows it decided or passed
        </LinkButton>
        <Button
          size="sm"
          variant="secondary"
          onClick={() =>
            openPage('policies', { values: { view: 'preview', draft: stringify(policy.manifest) } })
          }
        >
          Edit and preview
        </Button>
      </Stack>
      <h4>Rules hit</h4>
      <RuleTable rules={(policy.hits ?? policy.pendingHits)?.rules ?? []} />
      <h4>Manifest</h4>
      <pre>{stringify(policy.manifest)}</pre>
      <h4>Changes</h4>
      <AnswerView answer={changes} what="changes">
        {(data) => <ChangeList changes={data.changes} />}
      </AnswerView>
    </section>
  );
}

function RuleTable({ rules }: { readonly rules: readonly RuleHits[] }) {
  if (rules.length === 0) return <p>No rule was hit in the time range.</p>;
  return (
    <DataTable
      label="Rules hit"
      titles={['Rule', 'Action', 'Flows', 'Connections', 'Bytes']}
      rows={rules.map(({ direction, rule, action, flows, connections, bytes }) => [
        rule < 0 ? `${direction}, end of tier` : `${direction} rule ${rule}`,
        <VerdictBadge key="action" verdict={action} />,
        formatCount(flows),
        formatCount(connections),
        formatBytes(bytes),
      ])}
    />
  );
}
