import type { FlowRow } from '@sonde/model/flow/rows';
import { FLOW_TABLE_COLUMNS, type FlowCells, flowCells } from './cells.js';
import { colourOfVerdict, type Paint } from './colour.js';

/** Widths that hold nearly every cell; a longer one pushes its line to the right rather than be cut. */
const WIDTHS: Readonly<Record<keyof FlowCells, number>> = {
  time: 12,
  source: 26,
  destination: 36,
  port: 10,
  verdict: 20,
  bytes: 8,
  packets: 7,
  rtt: 8,
};

/** The line of titles above flow lines. */
export function titleLine(paint: Paint): string {
  const titles = FLOW_TABLE_COLUMNS.map(({ name, title, isNumber }) =>
    aligned(title, WIDTHS[name], isNumber),
  );
  return paint('bold', titles.join('  ').trimEnd());
}

/** A flow as one line. */
export function flowLine(flow: FlowRow, paint: Paint): string {
  return cellsLine(flowCells(flow), paint, colourOfVerdict(flow));
}

/** Cells as one line, with the verdict in its colour. */
export function cellsLine(cells: FlowCells, paint: Paint, verdictColour: Parameters<Paint>[0]): string {
  const texts = FLOW_TABLE_COLUMNS.map(({ name, isNumber }) => {
    const text = aligned(cells[name], WIDTHS[name], isNumber);
    return name === 'verdict' ? paint(verdictColour, text) : text;
  });
  return texts.join('  ').trimEnd();
}

function aligned(text: string, width: number, isNumber: boolean): string {
  return isNumber ? text.padStart(width) : text.padEnd(width);
}
