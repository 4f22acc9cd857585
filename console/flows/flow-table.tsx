import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, useRef } from 'react';
import type { Flow } from '../records/flow.js';
import { VerdictBadge } from '../records/verdict.js';
import { useStyles2 } from '../kit/ui.js';
import type { FlowColumn } from './columns.js';

const ROW_HEIGHT = 32;

interface Properties {
  readonly flows: readonly Flow[];
  readonly columns: readonly FlowColumn[];
  readonly zone: string;
  readonly selected: Flow | undefined;
  readonly onSelect: (flow: Flow) => void;
  /** A value was clicked with the intent to filter by it. */
  readonly onFilter: (condition: string, exclude: boolean) => void;
}

/** A table of flows that renders the rows in view only. Arrow keys move between rows, Enter opens one. */
export function FlowTable({ flows, columns, zone, selected, onSelect, onFilter }: Properties) {
  const styles = useStyles2(getStyles);
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: flows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 20,
  });
  const template = columns.map(({ weight }) => `minmax(60px, ${weight}fr)`).join(' ');
  const selectedIndex = selected === undefined ? 0 : Math.max(0, flows.indexOf(selected));

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20 };
    const step = steps[event.key];
    const index = Number((event.target as HTMLElement).dataset['index'] ?? selectedIndex);
    if (event.key === 'Enter') {
      const flow = flows[index];
      if (flow) onSelect(flow);
    } else if (step !== undefined) {
      event.preventDefault();
      const next = Math.min(flows.length - 1, Math.max(0, index + step));
      rows.scrollToIndex(next);
      requestAnimationFrame(() =>
        scroller.current?.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus(),
      );
    }
  };

  return (
    <div className={styles.table} role="grid" aria-label="Flows" aria-rowcount={flows.length + 1}>
      <div className={styles.head} role="row" aria-rowindex={1} style={{ gridTemplateColumns: template }}>
        {columns.map(({ id, title, isNumber }) => (
          <div key={id} role="columnheader" className={cx(styles.cell, isNumber && styles.number)}>
            {title}
          </div>
        ))}
      </div>
      <div ref={scroller} className={styles.body} role="rowgroup" onKeyDown={onKeyDown}>
        <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
          {rows.getVirtualItems().map(({ index, start }) => {
            const flow = flows[index];
            if (!flow) return null;
            return (
              <div
                key={index}
                role="row"
                aria-rowindex={index + 2}
                aria-selected={flow === selected}
                data-index={index}
                tabIndex={index === selectedIndex ? 0 : -1}
                className={cx(styles.row, flow === selected && styles.selected)}
                style={{ transform: `translateY(${start}px)`, gridTemplateColumns: template }}
                onClick={() => onSelect(flow)}
              >
                {columns.map((column) => (
                  <Cell key={column.id} column={column} flow={flow} zone={zone} onFilter={onFilter} />
                ))}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

interface CellProperties extends Pick<Properties, 'zone' | 'onFilter'> {
  readonly column: FlowColumn;
  readonly flow: Flow;
}

function Cell({ column, flow, zone, onFilter }: CellProperties) {
  const styles = useStyles2(getStyles);
  const text = column.text(flow, zone);
  const condition = column.condition?.(flow);
  return (
    <div role="gridcell" className={cx(styles.cell, column.isNumber && styles.number)} title={text}>
      {column.id === 'verdict' ? <VerdictBadge verdict={text} /> : text}
      {condition !== undefined && text !== '' && (
        <span className={styles.actions}>
          {([false, true] as const).map((exclude) => (
            <button
              key={String(exclude)}
              type="button"
              tabIndex={-1}
              className={styles.action}
              aria-label={`${exclude ? 'Exclude' : 'Only'} ${text}`}
              title={`${exclude ? 'Exclude' : 'Only'} ${text}`}
              onClick={(event) => {
                event.stopPropagation();
                onFilter(condition, exclude);
              }}
            >
              {exclude ? '−' : '+'}
            </button>
          ))}
        </span>
      )}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  table: css({
    display: 'flex',
    flexDirection: 'column',
    flex: 1,
    minHeight: 240,
    border: `1px solid ${theme.colors.border.weak}`,
    fontVariantNumeric: 'tabular-nums',
  }),
  head: css({
    display: 'grid',
    fontWeight: theme.typography.fontWeightMedium,
    background: theme.colors.background.secondary,
    paddingRight: 14,
  }),
  body: css({ flex: 1, overflow: 'auto' }),
  row: css({
    position: 'absolute',
    top: 0,
    left: 0,
    right: 0,
    height: ROW_HEIGHT,
    display: 'grid',
    cursor: 'pointer',
    borderBottom: `1px solid ${theme.colors.border.weak}`,
    '&:hover, &:focus-visible': { background: theme.colors.action.hover },
    '&:focus-visible': { outline: `2px solid ${theme.colors.primary.border}`, outlineOffset: -2 },
    '&:hover span:last-child': { visibility: 'visible' },
  }),
  selected: css({ background: theme.colors.action.selected }),
  cell: css({
    position: 'relative',
    padding: theme.spacing(0.75, 1),
    overflow: 'hidden',
    whiteSpace: 'nowrap',
    textOverflow: 'ellipsis',
  }),
  number: css({ textAlign: 'right' }),
  actions: css({
    position: 'absolute',
    right: 2,
    top: 4,
    visibility: 'hidden',
    background: theme.colors.background.canvas,
    'div:hover > &': { visibility: 'visible' },
  }),
  action: css({
    width: 20,
    border: 'none',
    background: 'transparent',
    color: theme.colors.text.link,
    cursor: 'pointer',
  }),
});
