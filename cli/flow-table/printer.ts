import type { WriteStream } from 'node:tty';
import type { FlowRow } from '@sonde/model/flow/records';
import { screenOf } from '../table/screen.js';
import { flowLayout, flowLine } from './lines.js';
import { LiveTable } from './live.js';

/** Prints flows while they are stored. */
export interface FlowPrinter {
  print(flow: FlowRow): void;
  /** Draws the last state and stops redrawing. */
  close(): void;
}

const REDRAW_MS = 500;

/** For terminals that do not report their size. */
const DEFAULT_ROWS = 40;

/**
 * Prints flows: on a terminal as a table of conversations that is redrawn in place with `foot` below it, into a pipe as
 * one line per flow.
 */
export function createFlowPrinter(output: WriteStream, foot: string): FlowPrinter {
  return output.isTTY ? tablePrinter(output, foot) : linePrinter(output);
}

function linePrinter(output: NodeJS.WritableStream): FlowPrinter {
  const { paint, width } = screenOf({});
  const layout = flowLayout([], width);
  output.write(`${layout.title(paint)}\n`);
  return {
    print: (flow) => output.write(`${flowLine(layout, flow, localTimes(), paint)}\n`),
    close: () => undefined,
  };
}

function tablePrinter(output: WriteStream, foot: string): FlowPrinter {
  const table = new LiveTable();
  let drawn = 0;
  let changed = true;

  const draw = () => {
    if (!changed) return;
    changed = false;
    const lines = table.lines((output.rows || DEFAULT_ROWS) - 1, foot, screenOf(output));
    // Back up over the last drawing and clear from there on (ECMA-48). Wrapping is off meanwhile (DECAWM), because the
    // terminal may have become narrower since the table was laid out.
    const back = drawn === 0 ? '' : `\x1b[${drawn}A`;
    output.write(`\x1b[?7l${back}\x1b[J${lines.join('\n')}\n\x1b[?7h`);
    drawn = lines.length;
  };
  const timer = setInterval(draw, REDRAW_MS);

  return {
    print(flow) {
      table.add(flow, localTimes());
      changed = true;
    },
    close() {
      clearInterval(timer);
      draw();
    },
  };
}

function localTimes() {
  return { utc: false, nowMs: Date.now() };
}
