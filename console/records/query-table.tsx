import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { AnswerView } from '../api/answer-view.js';
import { type Answer, useAnswer } from '../api/use-answer.js';
import { type PageState, usePageState } from '../host/page-state.js';
import { useStyles2 } from '../kit/ui.js';
import { DataTable } from './data-table.js';
import { formatBytes, formatCount, formatMicros } from './quantity.js';

/** A metric of `POST /api/v1/query`. */
export interface Metric {
  readonly function: string;
  readonly field?: string;
  readonly quantile?: number;
  readonly name?: string;
}

export interface AggregateQuery {
  readonly table: 'flows' | 'dns';
  readonly metrics: readonly Metric[];
  readonly groupBy?: readonly string[];
  readonly interval?: string;
  /** A condition besides the filter of the page. */
  readonly filter?: string;
  readonly order?: { readonly by: string; readonly direction?: 'ascending' | 'descending' };
  readonly limit?: number;
}

export type Value = string | number | boolean | null;

/** An answer of `POST /api/v1/query`. */
export interface QueryAnswer {
  readonly from: string;
  readonly to: string;
  readonly columns: readonly { readonly name: string; readonly role: string; readonly unit?: string }[];
  readonly rows: readonly (readonly Value[])[];
  readonly truncated: boolean;
}

/** Runs an aggregation over the page's time range and filter; DNS records do not take the filter of flows. */
export function useAggregate({ range, filter }: PageState, query: AggregateQuery): Answer<QueryAnswer> {
  const own = query.filter ?? '';
  const shared = query.table === 'flows' ? filter : '';
  const both = [shared, own]
    .filter((part) => part !== '')
    .map((part) => `(${part})`)
    .join(' && ');
  const body = { ...range, ...query, filter: both };
  return useAnswer(JSON.stringify(body), (port, signal) =>
    port.post<QueryAnswer>('/api/v1/query', body, signal),
  );
}

interface Properties {
  readonly title: string;
  readonly query: AggregateQuery;
  /** Titles of the columns, in order. */
  readonly titles: readonly string[];
  /** What to show when there are no rows. */
  readonly empty: string;
}

/** A titled table of an aggregation. */
export function QueryTable({ title, query, titles, empty }: Properties) {
  const styles = useStyles2(getStyles);
  const [state] = usePageState();
  const answer = useAggregate(state, query);
  return (
    <section aria-label={title} className={styles.panel}>
      <h4>{title}</h4>
      <AnswerView answer={answer} what={title.toLowerCase()}>
        {({ rows, columns, truncated }) =>
          rows.length === 0 ? (
            <p>{empty}</p>
          ) : (
            <>
              <DataTable
                label={title}
                titles={titles}
                rows={rows.map((row) => row.map((value, at) => formatValue(value, columns[at]?.unit)))}
              />
              {truncated && <small>There are more rows.</small>}
            </>
          )
        }
      </AnswerView>
    </section>
  );
}

function formatValue(value: Value, unit: string | undefined): string {
  if (value === null) return '–';
  if (typeof value !== 'number') return value === '' ? '–' : String(value);
  switch (unit) {
    case 'bytes':
      return formatBytes(value);
    case 'bytes/s':
      return `${formatBytes(value)}/s`;
    case 'microseconds':
      return formatMicros(value);
    default:
      return formatCount(value);
  }
}

const getStyles = (theme: GrafanaTheme2) => ({
  panel: css({
    padding: theme.spacing(2),
    background: theme.colors.background.primary,
    border: `1px solid ${theme.colors.border.weak}`,
  }),
});
