import { useState } from 'react';
import { AnswerView } from '../api/answer-view.js';
import { useAnswer } from '../api/use-answer.js';
import { useOpenPage, usePageState } from '../host/page-state.js';
import { Button, Combobox, Field, Stack } from '../kit/ui.js';

interface Suggestion {
  readonly policies: readonly unknown[];
  readonly yaml: string;
}

const dialects = [
  { label: 'Kubernetes NetworkPolicy', value: 'kubernetes' },
  { label: 'Calico', value: 'calico' },
  { label: 'Calico Enterprise', value: 'calico-enterprise' },
];

/** Policies that allow the observed traffic of a namespace and nothing else. */
export function SuggestForm() {
  const [{ range, filter, value }, change] = usePageState();
  const openPage = useOpenPage();
  const namespace = value('namespace');
  const [dialect, setDialect] = useState('kubernetes');
  const namespaces = useAnswer(JSON.stringify(['namespaces', range]), (query, signal) =>
    query.get<{ values: string[] }>('/api/v1/fields/src.namespace/values', { ...range, limit: 500 }, signal),
  );
  const key =
    namespace === undefined ? undefined : JSON.stringify(['suggest', range, filter, namespace, dialect]);
  const answer = useAnswer(key, (query, signal) =>
    query.post<Suggestion>('/api/v1/policies/suggest', { ...range, filter, namespace, dialect }, signal),
  );
  return (
    <section aria-label="Suggest">
      <Stack alignItems="flex-end" gap={1}>
        <Field noMargin label="Namespace">
          <Combobox
            id="suggest-namespace"
            width={30}
            options={(namespaces.data?.values ?? []).map((name) => ({ label: name, value: name }))}
            value={namespace ?? null}
            onChange={({ value: next }) => change({ values: { namespace: next } })}
          />
        </Field>
        <Field noMargin label="Form">
          <Combobox
            id="suggest-dialect"
            width={30}
            options={dialects}
            value={dialect}
            onChange={({ value: next }) => setDialect(next)}
          />
        </Field>
      </Stack>
      {key === undefined ? (
        <p>Choose a namespace.</p>
      ) : (
        <AnswerView answer={answer} what="suggested policies">
          {({ policies, yaml }) =>
            policies.length === 0 ? (
              <p>No traffic of {namespace} was observed in the time range.</p>
            ) : (
              <>
                <Stack gap={1}>
                  <Button
                    size="sm"
                    onClick={() => openPage('policies', { values: { view: 'preview', draft: yaml } })}
                  >
                    Preview
                  </Button>
                  <Button
                    size="sm"
                    variant="secondary"
                    icon="copy"
                    onClick={() => void navigator.clipboard.writeText(yaml)}
                  >
                    Copy
                  </Button>
                </Stack>
                <pre>{yaml}</pre>
              </>
            )
          }
        </AnswerView>
      )}
    </section>
  );
}
