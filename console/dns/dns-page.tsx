import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { QueryTable } from '../records/query-table.js';
import { useStyles2 } from '../kit/ui.js';

/** DNS lookups: slow and failed lookups, and their clients. */
export function DnsPage() {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.grid}>
      <QueryTable
        title="Slowest names"
        empty="No lookups."
        titles={['Name', 'Latency p95', 'Lookups']}
        query={{
          table: 'dns',
          metrics: [{ function: 'quantile', field: 'latency_us', quantile: 0.95 }, { function: 'count' }],
          groupBy: ['query_name'],
          filter: 'answered',
          limit: 20,
        }}
      />
      <QueryTable
        title="Failed lookups"
        empty="No lookup failed."
        titles={['Namespace', 'Workload', 'Name', 'Response code', 'Lookups']}
        query={{
          table: 'dns',
          metrics: [{ function: 'count' }],
          groupBy: ['src.namespace', 'src.workload', 'query_name', 'rcode'],
          filter: 'answered && rcode != "NOERROR"',
          limit: 20,
        }}
      />
      <QueryTable
        title="Unanswered lookups"
        empty="Every lookup was answered."
        titles={['Namespace', 'Workload', 'Name', 'Server', 'Lookups']}
        query={{
          table: 'dns',
          metrics: [{ function: 'count' }],
          groupBy: ['src.namespace', 'src.workload', 'query_name', 'dst.ip'],
          filter: '!answered',
          limit: 20,
        }}
      />
      <QueryTable
        title="Lookups by workload"
        empty="No lookups."
        titles={['Namespace', 'Workload', 'Lookups', 'Latency p95']}
        query={{
          table: 'dns',
          metrics: [{ function: 'count' }, { function: 'quantile', field: 'latency_us', quantile: 0.95 }],
          groupBy: ['src.namespace', 'src.workload'],
          limit: 20,
        }}
      />
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  grid: css({
    display: 'grid',
    gridTemplateColumns: 'repeat(auto-fit, minmax(520px, 1fr))',
    gap: theme.spacing(2),
  }),
});
