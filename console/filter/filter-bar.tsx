import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useState } from 'react';
import type { ParameterError } from '../api/error.js';
import { usePageState } from '../host/page-state.js';
import { Button, IconButton, Input, useStyles2 } from '../kit/ui.js';
import { conditionsOf, filterOf, negated, withoutCondition } from './conditions.js';
import { FieldSuggestions } from './field-suggestions.js';

interface Properties {
  /** What the API says is wrong with the filter, if it refused it. */
  readonly error?: ParameterError | undefined;
}

/** The filter of the page as text and as chips; both edit the one filter in the URL. */
export function FilterBar({ error }: Properties) {
  const styles = useStyles2(getStyles);
  const [{ filter }, change] = usePageState();
  // The text belongs to the filter that it was started from: if that changes elsewhere, the text is reset.
  const [draft, setDraft] = useState({ filter, text: filter });
  const text = draft.filter === filter ? draft.text : filter;
  const apply = (next: string) => change({ filter: next.trim() });
  const conditions = conditionsOf(filter);
  const replace = (index: number, condition: string) =>
    apply(filterOf(conditions.map((one, at) => (at === index ? condition : one))));

  return (
    <div>
      <form
        className={styles.row}
        onSubmit={(event) => {
          event.preventDefault();
          apply(text);
        }}
      >
        <Input
          aria-label="Filter"
          placeholder={'Filter, for example src.namespace == "storefront" && action == "deny"'}
          value={text}
          list="field-suggestions"
          invalid={error !== undefined}
          onChange={(event) => setDraft({ filter, text: event.currentTarget.value })}
        />
        <Button type="submit" variant="secondary" disabled={text.trim() === filter}>
          Apply
        </Button>
      </form>
      <FieldSuggestions id="field-suggestions" text={text} />
      {error && <FilterErrorMessage text={filter} error={error} />}
      {conditions.length > 0 && (
        <ul className={styles.chips} aria-label="Conditions">
          {conditions.map((condition, index) => (
            <li key={condition} className={styles.chip}>
              <code>{condition}</code>
              <IconButton
                name="exchange-alt"
                size="sm"
                tooltip="Negate"
                aria-label={`Negate ${condition}`}
                onClick={() => replace(index, negated(condition))}
              />
              <IconButton
                name="times"
                size="sm"
                tooltip="Remove"
                aria-label={`Remove ${condition}`}
                onClick={() => apply(withoutCondition(filter, index))}
              />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** A filter error with the wrong part marked. */
function FilterErrorMessage({ text, error }: { readonly text: string; readonly error: ParameterError }) {
  const styles = useStyles2(getStyles);
  const { reason, start = 0, end = text.length, nearest = [] } = error;
  return (
    <div role="alert" className={styles.error}>
      <pre>
        {text.slice(0, start)}
        <mark>{text.slice(start, end) || ' '}</mark>
        {text.slice(end)}
      </pre>
      {reason}
      {nearest.length > 0 && `; did you mean ${nearest.slice(0, 3).join(', ')}?`}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  row: css({ display: 'flex', gap: theme.spacing(1) }),
  chips: css({
    display: 'flex',
    flexWrap: 'wrap',
    gap: theme.spacing(0.5),
    listStyle: 'none',
    marginTop: theme.spacing(1),
  }),
  chip: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(0.5),
    padding: theme.spacing(0, 1),
    borderRadius: theme.shape.radius.pill,
    background: theme.colors.background.secondary,
    border: `1px solid ${theme.colors.border.weak}`,
  }),
  error: css({
    color: theme.colors.error.text,
    marginTop: theme.spacing(0.5),
    mark: { background: theme.colors.error.transparent, color: 'inherit', textDecoration: 'underline wavy' },
  }),
});
