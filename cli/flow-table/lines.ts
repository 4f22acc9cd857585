import type { FlowRow } from '@sonde/model/flow/records';
import { FLOW_TABLE_COLUMNS, type FlowCells, flowCells } from './cells.js';
import { type Color, colorOfVerdict, type Paint } from './color.js';

/** Characters of each column. */
export type ColumnWidths = Readonly<Record<keyof FlowCells, number>>;

/**
 * Widths for lines that come one by one: they hold nearly every cell, and a longer one pushes its line to the right
 * rather than be cut.
 */
const WIDTHS: ColumnWidths = {
  time: 12,
  source: 26,
  destination: 36,
  port: 10,
  verdict: 18,
  bytes: 8,
  packets: 7,
  rtt: 8,
};

/** The line of titles above flow lines. */
export function titleLine(paint: Paint, widths = WIDTHS): string {
  const titles = FLOW_TABLE_COLUMNS.map(({ name, title, isNumber }) =>
    aligned(title, widths[name], isNumber),
  );
  return paint('bold', titles.join('  ').trimEnd());
}

/** A flow as one line. */
export function flowLine(flow: FlowRow, paint: Paint, widths = WIDTHS): string {
  return cellsLine(flowCells(flow), paint, colorOfVerdict(flow), widths);
}

/** Cells as one line, with the verdict in its color. */
export function cellsLine(cells: FlowCells, paint: Paint, verdictColor: Color, widths = WIDTHS): string {
  const texts = FLOW_TABLE_COLUMNS.map(({ name, isNumber }) => {
    const text = aligned(cells[name], widths[name], isNumber);
    return name === 'verdict' ? paint(verdictColor, text) : text;
  });
  return texts.join('  ').trimEnd();
}

/** The widths at which all of some cells fit, and no more. */
export function widthsFor(all: readonly FlowCells[]): ColumnWidths {
  const entries = FLOW_TABLE_COLUMNS.map(({ name, title }) => {
    const longest = all.reduce((width, cells) => Math.max(width, cells[name].length), title.length);
    return [name, longest] as const;
  });
  return Object.fromEntries(entries) as ColumnWidths;
}

/** A text with blanks to a width; numbers end at the right. */
export function aligned(text: string, width: number, isNumber: boolean): string {
  return isNumber ? text.padStart(width) : text.padEnd(width);
}
