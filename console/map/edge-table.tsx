import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { formatBytes, formatCount, formatMicros } from '../records/quantity.js';
import { useStyles2 } from '../kit/ui.js';
import { edgeKey } from './compare.js';
import type { GraphEdge, GraphNode } from './graph.js';
import { nodeTitle } from './node-title.js';

interface Properties {
  readonly edges: readonly GraphEdge[];
  readonly nodes: ReadonlyMap<string, GraphNode>;
  readonly selected: string | undefined;
  readonly onSelect: (key: string) => void;
}

/** Rows that are shown; a map of thousands of edges is narrowed by expanding, focus or filter. */
const MAX_ROWS = 500;

/** The edges of the map as a table, denied ones first: the form of the map for keyboards and screen readers. */
export function EdgeTable({ edges, nodes, selected, onSelect }: Properties) {
  const styles = useStyles2(getStyles);
  const title = (id: string) => {
    const node = nodes.get(id);
    return node ? nodeTitle(node) : id;
  };
  const sorted = [...edges].sort(
    (one, other) => other.denied - one.denied || other.bytesOut + other.bytesIn - one.bytesOut - one.bytesIn,
  );
  return (
    <table className={styles.table} aria-label="Edges">
      <thead>
        <tr>
          {['Client', 'Server', 'Allowed', 'Denied', 'Bytes', 'RTT p95', 'Errors', 'Drops'].map((name) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {sorted.slice(0, MAX_ROWS).map((edge) => {
          const key = edgeKey(edge);
          return (
            <tr key={key} className={cx(key === selected && styles.selected)}>
              <td>
                <button type="button" className={styles.link} onClick={() => onSelect(key)}>
                  {title(edge.source)}
                </button>
              </td>
              <td>{title(edge.target)}</td>
              <td>{formatCount(edge.allowed)}</td>
              <td>{edge.denied > 0 ? `⊘ ${formatCount(edge.denied)}` : '0'}</td>
              <td>{formatBytes(edge.bytesOut + edge.bytesIn)}</td>
              <td>{formatMicros(edge.rttP95Micros)}</td>
              <td>{formatCount(edge.errors)}</td>
              <td>{formatCount(edge.droppedPackets)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  table: css({
    width: '100%',
    fontVariantNumeric: 'tabular-nums',
    'th, td': { padding: theme.spacing(0.5, 1), textAlign: 'left', whiteSpace: 'nowrap' },
    'tbody tr:hover': { background: theme.colors.action.hover },
    thead: { position: 'sticky', top: 0, background: theme.colors.background.secondary },
  }),
  selected: css({ background: theme.colors.action.selected }),
  link: css({
    border: 'none',
    background: 'none',
    padding: 0,
    color: theme.colors.text.link,
    cursor: 'pointer',
  }),
});
