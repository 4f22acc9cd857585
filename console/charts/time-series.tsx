import type { GrafanaTheme2 } from '@grafana/data';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { QueryAnswer } from '../records/query-table.js';
import { useTheme2 } from '../kit/ui.js';

interface Properties {
  readonly answer: QueryAnswer;
  readonly height: number;
  /** Formats a value of the y axis. */
  readonly format: (value: number) => string;
}

/** Lines over time: one for each group of an aggregation with an interval. */
export function TimeSeries({ answer, height, format }: Properties) {
  const theme = useTheme2();
  const container = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = container.current;
    if (!element) return;
    const { names, data } = seriesOf(answer);
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height,
        series: [
          {},
          ...names.map((label, index) => ({ label, stroke: colorOf(label, index, theme), width: 1.5 })),
        ],
        axes: [
          { stroke: theme.colors.text.secondary, grid: { stroke: theme.colors.border.weak } },
          {
            stroke: theme.colors.text.secondary,
            grid: { stroke: theme.colors.border.weak },
            size: 80,
            values: (_, ticks) => ticks.map(format),
          },
        ],
      },
      data,
      element,
    );
    const resize = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      chart.destroy();
    };
  }, [answer, height, theme, format]);
  return <div ref={container} />;
}

/** Columns for uPlot: times in seconds, then the values of each group at those times. */
function seriesOf({ columns, rows }: QueryAnswer): { names: string[]; data: uPlot.AlignedData } {
  const time = columns.findIndex(({ role }) => role === 'time');
  const metric = columns.findIndex(({ role }) => role === 'metric');
  const groups = columns.flatMap(({ role }, index) => (role === 'group' ? [index] : []));
  const times = [...new Set(rows.map((row) => Date.parse(String(row[time])) / 1000))].sort((a, b) => a - b);
  const at = new Map(times.map((seconds, index) => [seconds, index]));
  const series = new Map<string, (number | null)[]>();
  for (const row of rows) {
    const name = groups.map((index) => String(row[index]) || '–').join(', ') || (columns[metric]?.name ?? '');
    const values = series.get(name) ?? times.map(() => null);
    series.set(name, values);
    const index = at.get(Date.parse(String(row[time])) / 1000);
    const value = row[metric];
    if (index !== undefined && typeof value === 'number') values[index] = value;
  }
  return { names: [...series.keys()], data: [times, ...series.values()] };
}

function colorOf(name: string, index: number, theme: GrafanaTheme2): string {
  if (name === 'allow') return theme.colors.success.text;
  if (name === 'deny') return theme.colors.error.text;
  return theme.visualization.getColorByName(theme.visualization.palette[index] ?? 'blue');
}
