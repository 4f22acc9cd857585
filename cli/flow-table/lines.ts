import type { FlowRow } from '@sonde/model/flow/records';
import { layoutTable, type TableLayout, widthsOf } from '../table/layout.js';
import type { Screen } from '../table/screen.js';
import type { TimeFormat } from '../table/time.js';
import { FLOW_TABLE_COLUMNS, type FlowCells, flowCells } from './cells.js';
import { type Color, colorOfVerdict, type Paint } from '../table/color.js';

/** Widths of columns for lines that come one by one: they hold nearly every value. Other columns are left out. */
const STREAM_WIDTHS: Readonly<Partial<Record<keyof FlowCells, number>>> = {
  ...{ time: 12, source: 26, destination: 36, port: 10, verdict: 18, bytes: 8, packets: 7, rtt: 8 },
};

const VERDICT = FLOW_TABLE_COLUMNS.findIndex(({ name }) => name === 'verdict');

/**
 * Lays a flow table out: to the widths of some rows, or for rows still to come if there are none. `date` is the title of
 * the column of times if all are of one day.
 */
export function flowLayout(rows: readonly FlowCells[], width: Screen['width'], date?: string): TableLayout {
  const columns = FLOW_TABLE_COLUMNS.map((column) =>
    column.name === 'time' && date !== undefined ? { ...column, title: date } : column,
  );
  const widths =
    rows.length === 0
      ? columns.map(({ name }) => STREAM_WIDTHS[name] ?? 0)
      : widthsOf(rows.map(valuesOf), columns.length);
  const isShown = (at: number) => (widths[at] ?? 0) > 0;
  return layoutTable(columns, widths, width, isShown);
}

/** A flow as one line. */
export function flowLine(layout: TableLayout, flow: FlowRow, times: TimeFormat, paint: Paint): string {
  return cellsLine(layout, flowCells(flow, times), colorOfVerdict(flow), paint);
}

/** Cells as one line, with the verdict in its color. */
export function cellsLine(layout: TableLayout, cells: FlowCells, verdictColor: Color, paint: Paint): string {
  return layout.line(valuesOf(cells), (text, column) =>
    column === VERDICT ? paint(verdictColor, text) : text,
  );
}

function valuesOf(cells: FlowCells): string[] {
  return FLOW_TABLE_COLUMNS.map(({ name }) => cells[name]);
}
