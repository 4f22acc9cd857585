import { useState } from 'react';
import { AnswerView } from '../api/answer-view.js';
import { useAnswer } from '../api/use-answer.js';
import { usePageState } from '../host/page-state.js';
import { DataTable } from '../records/data-table.js';
import { portName } from '../records/flow.js';
import { formatCount } from '../records/quantity.js';
import { VerdictBadge } from '../records/verdict.js';
import { Alert, Button, Field, Stack, Switch, TextArea } from '../kit/ui.js';
import { describeStep, readSteps } from './trace.js';

interface VerdictCount {
  readonly before: string;
  readonly after: string;
  readonly flows: number;
}

interface PreviewEnd {
  readonly kind: string;
  readonly namespace?: string;
  readonly workload?: string;
  readonly labels?: string;
  readonly domain?: string;
}

interface PreviewView {
  readonly verdict: string;
  /** The trace, egress first. */
  readonly policies: readonly string[];
}

interface Changed {
  readonly source: PreviewEnd;
  readonly destination: PreviewEnd;
  readonly protocol: number;
  readonly port?: number;
  readonly flows: number;
  readonly before: PreviewView;
  readonly after: PreviewView;
}

interface Preview {
  readonly flows: number;
  readonly identities: number;
  readonly summary: readonly VerdictCount[];
  readonly changes: readonly Changed[];
  readonly more: number;
  readonly problems: readonly { readonly kind: string; readonly name: string; readonly reason: string }[];
}

/** Which observed flows would get a different verdict under changed policies. */
export function PreviewForm() {
  const [{ range, filter, value }, change] = usePageState();
  const [text, setText] = useState(value('draft') ?? '');
  const [isStaged, setStaged] = useState(false);
  const draft = value('draft') ?? '';
  const key = draft === '' ? undefined : JSON.stringify(['preview', range, filter, draft, isStaged]);
  const preview = useAnswer(key, (query, signal) =>
    query.post<Preview>(
      '/api/v1/policies/preview',
      { ...range, filter, manifests: draft, staged: isStaged ? 'enforced' : 'ignored' },
      signal,
    ),
  );
  return (
    <section aria-label="Preview">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change({ values: { draft: text } });
        }}
      >
        <Field label="Policies to add or replace, as YAML or JSON">
          <TextArea
            id="preview-draft"
            rows={14}
            spellCheck={false}
            style={{ fontFamily: 'monospace' }}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
        </Field>
        <Stack gap={2} alignItems="center">
          <Button type="submit" disabled={text.trim() === ''}>
            Preview
          </Button>
          <label>
            <Switch value={isStaged} onChange={() => setStaged(!isStaged)} /> Count staged policies as
            enforced
          </label>
        </Stack>
      </form>
      {key !== undefined && (
        <AnswerView answer={preview} what="the preview">
          {(data) => <PreviewResult preview={data} />}
        </AnswerView>
      )}
    </section>
  );
}

function PreviewResult({ preview }: { readonly preview: Preview }) {
  const { summary, changes, more, flows, identities, problems } = preview;
  const changed = summary.filter(({ before, after }) => before !== after);
  return (
    <>
      <h3>
        {changed.length === 0
          ? 'No flow of the time range would get a different verdict'
          : `${formatCount(changed.reduce((sum, one) => sum + one.flows, 0))} flows would get a different verdict`}
      </h3>
      <p>
        Evaluated {formatCount(flows)} flows of {formatCount(identities)} identities.
      </p>
      {problems.map(({ kind, name, reason }) => (
        <Alert
          key={`${kind} ${name}`}
          severity="warning"
          title={`${kind} ${name} cannot be used: ${reason}`}
        />
      ))}
      <ul>
        {changed.map(({ before, after, flows: count }) => (
          <li key={`${before} ${after}`}>
            <VerdictBadge verdict={before} /> → <VerdictBadge verdict={after} /> {formatCount(count)} flows
          </li>
        ))}
      </ul>
      {changes.length > 0 && (
        <DataTable
          label="Changed verdicts"
          titles={['Connection', 'Flows', 'Verdict', 'After the change']}
          rows={changes.map((one) => [
            `${endName(one.source)} → ${endName(one.destination)}, ${portName(one.protocol, one.port)}`,
            formatCount(one.flows),
            <span key="verdict">
              <VerdictBadge verdict={one.before.verdict} /> → <VerdictBadge verdict={one.after.verdict} />
            </span>,
            lastStep(one.after.policies),
          ])}
        />
      )}
      {more > 0 && <p>{formatCount(more)} more changes are not shown.</p>}
    </>
  );
}

function endName({ namespace, workload, domain, kind, labels }: PreviewEnd): string {
  const own = [workload, domain, labels, kind].find((name) => name !== undefined && name !== '') ?? kind;
  return namespace === undefined || namespace === '' ? own : `${namespace}/${own}`;
}

function lastStep(trace: readonly string[]): string {
  const steps = readSteps(trace);
  const step = steps.find(({ action }) => action === 'deny') ?? steps.at(-1);
  return step ? describeStep(step) : '';
}
