import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useState } from 'react';
import { AnswerView } from '../api/answer-view.js';
import { TimeSeries } from '../charts/time-series.js';
import { FilterBar } from '../filter/filter-bar.js';
import { usePageState } from '../host/page-state.js';
import { formatBytes, formatCount } from '../records/quantity.js';
import { type AggregateQuery, QueryTable, useAggregate } from '../records/query-table.js';
import { lengthMs } from '../time/time-range.js';
import { useStyles2 } from '../kit/ui.js';
import { CoverageBar } from './coverage-bar.js';

/** The health of traffic at a glance, and what was not seen of it. */
export function OverviewPage() {
  const styles = useStyles2(getStyles);
  const [{ range }] = usePageState();
  const [openedMs] = useState(Date.now);
  const interval = intervalOf(lengthMs(range, openedMs) ?? 0);
  return (
    <div className={styles.page}>
      <FilterBar />
      <CoverageBar />
      <div className={styles.grid}>
        <Chart
          title="Bytes per second by verdict"
          query={{
            table: 'flows',
            metrics: [{ function: 'rate', field: 'bytes' }],
            groupBy: ['action'],
            interval,
          }}
          format={(value) => `${formatBytes(value)}/s`}
        />
        <Chart
          title="Flows by what the wire showed"
          query={{ table: 'flows', metrics: [{ function: 'count' }], groupBy: ['evidence'], interval }}
          format={formatCount}
        />
        <QueryTable
          title="Denied, by pair"
          empty="No connection was denied."
          titles={['Client', 'Server', 'Flows']}
          query={{
            table: 'flows',
            metrics: [{ function: 'count' }],
            groupBy: ['src.end', 'dst.end'],
            filter: 'action == "deny"',
            limit: 10,
          }}
        />
        <QueryTable
          title="Top pairs by bytes"
          empty="No flows."
          titles={['Client', 'Server', 'Bytes', 'RTT p95']}
          query={{
            table: 'flows',
            metrics: [
              { function: 'sum', field: 'bytes' },
              { function: 'quantile', field: 'rtt_us', quantile: 0.95 },
            ],
            groupBy: ['src.end', 'dst.end'],
            limit: 10,
          }}
        />
        <QueryTable
          title="Dropped packets by reason"
          empty="No packet was dropped."
          titles={['Reason', 'Node', 'Packets']}
          query={{
            table: 'flows',
            metrics: [{ function: 'sum', field: 'dropped_packets' }],
            groupBy: ['drop_reason', 'node'],
            filter: 'dropped_packets > 0',
            limit: 10,
          }}
        />
        <QueryTable
          title="External domains"
          empty="No traffic with external domains."
          titles={['Domain', 'Bytes', 'Flows']}
          query={{
            table: 'flows',
            metrics: [{ function: 'sum', field: 'bytes' }, { function: 'count' }],
            groupBy: ['dst.domain'],
            filter: 'dst.domain != ""',
            limit: 10,
          }}
        />
      </div>
    </div>
  );
}

interface ChartProperties {
  readonly title: string;
  readonly query: AggregateQuery;
  readonly format: (value: number) => string;
}

function Chart({ title, query, format }: ChartProperties) {
  const styles = useStyles2(getStyles);
  const [state] = usePageState();
  const answer = useAggregate(state, query);
  return (
    <section aria-label={title} className={styles.panel}>
      <h4>{title}</h4>
      <AnswerView answer={answer} what={title.toLowerCase()}>
        {(data) =>
          data.rows.length === 0 ? (
            <p>No flows.</p>
          ) : (
            <TimeSeries answer={data} height={180} format={format} />
          )
        }
      </AnswerView>
    </section>
  );
}

/** An interval that gives at most about 100 points. */
function intervalOf(length: number): string {
  const choices = [
    [1, '1s'],
    [5, '5s'],
    [15, '15s'],
    [60, '1m'],
    [300, '5m'],
    [900, '15m'],
    [3600, '1h'],
    [21_600, '6h'],
  ] as const;
  return choices.find(([seconds]) => length / 1000 / seconds <= 100)?.[1] ?? '1d';
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({
    display: 'flex',
    flexDirection: 'column',
    gap: theme.spacing(2),
    overflow: 'auto',
    height: '100%',
  }),
  grid: css({
    display: 'grid',
    gridTemplateColumns: 'repeat(auto-fit, minmax(480px, 1fr))',
    gap: theme.spacing(2),
  }),
  panel: css({
    padding: theme.spacing(2),
    background: theme.colors.background.primary,
    border: `1px solid ${theme.colors.border.weak}`,
  }),
});
