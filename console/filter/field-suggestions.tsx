import { useDeferredValue } from 'react';
import { useAnswer } from '../api/use-answer.js';
import { usePageState } from '../host/page-state.js';
import type { FieldDescription } from '../records/flow.js';
import { useFields } from '../records/use-fields.js';

/** Suggests field names for the word at the end of a text, and values once `field == "` is typed. */
export function FieldSuggestions({ id, text }: { readonly id: string; readonly text: string }) {
  const [{ range }] = usePageState();
  const typed = useDeferredValue(text);
  const fields = useFields();
  const [, head = '', variable, start = ''] = /^(.*?)([\w.]+) (?:==|!=) "([^"]*)$/s.exec(typed) ?? [];
  const values = useAnswer(variable && JSON.stringify([variable, start, range]), (query, signal) =>
    query.get<{ values: (string | number)[] }>(
      `/api/v1/fields/${encodeURIComponent(variable ?? '')}/values`,
      { ...range, containing: start, limit: 20 },
      signal,
    ),
  );
  const options =
    variable === undefined
      ? fieldOptions(typed, fields)
      : (values.data?.values ?? []).map((value) => ({
          value: `${head}${variable} == ${JSON.stringify(value)}`,
          label: String(value),
        }));
  return (
    <datalist id={id}>
      {options.map(({ value, label }) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
    </datalist>
  );
}

function fieldOptions(text: string, fields: readonly FieldDescription[]) {
  const [, head = '', word = ''] = /^(.*?)([\w.]*)$/s.exec(text) ?? [];
  return fields
    .filter(({ variable }) => variable.startsWith(word))
    .map(({ variable, description }) => ({ value: `${head}${variable}`, label: description }));
}
