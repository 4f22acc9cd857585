import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import type { ReactNode } from 'react';
import { useStyles2 } from '../kit/ui.js';

interface Properties {
  /** Names the table for screen readers. */
  readonly label: string;
  readonly titles: readonly string[];
  readonly rows: readonly (readonly ReactNode[])[];
}

/** A plain table for answers of tens of rows. */
export function DataTable({ label, titles, rows }: Properties) {
  const styles = useStyles2(getStyles);
  return (
    <table className={styles.table} aria-label={label}>
      <thead>
        <tr>
          {titles.map((title) => (
            <th key={title} scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={index}>
            {row.map((value, at) => (
              <td key={at}>{value}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  table: css({
    fontVariantNumeric: 'tabular-nums',
    'th, td': { padding: theme.spacing(0.25, 2, 0.25, 0), textAlign: 'left' },
    th: { fontWeight: theme.typography.fontWeightMedium, whiteSpace: 'nowrap' },
  }),
});
