import type { WriteStream } from 'node:tty';
import type { FlowRow } from '@sonde/model/flow/records';
import { paintFor } from './color.js';
import { flowLine, titleLine } from './lines.js';
import { LiveTable } from './live.js';

/** Shows flows as they come. */
export interface FlowPrinter {
  print(flow: FlowRow): void;
  /** Puts the table's last state on the screen and lets go of it. */
  close(): void;
}

const REDRAW_MS = 500;

/** For terminals that do not tell their size. */
const USUAL_ROWS = 40;

/**
 * Prints flows: on a terminal as a table of conversations, redrawn in place with `foot` below; into a pipe as a
 * line a flow.
 */
export function createFlowPrinter(output: WriteStream, foot: string): FlowPrinter {
  return output.isTTY ? tablePrinter(output, foot) : linePrinter(output);
}

function linePrinter(output: NodeJS.WritableStream): FlowPrinter {
  const paint = paintFor({});
  output.write(`${titleLine(paint)}\n`);
  return { print: (flow) => output.write(`${flowLine(flow, paint)}\n`), close: () => undefined };
}

function tablePrinter(output: WriteStream, foot: string): FlowPrinter {
  const paint = paintFor(output);
  const table = new LiveTable();
  let drawn = 0;
  let changed = true;

  const draw = () => {
    if (!changed) return;
    changed = false;
    const lines = table.lines((output.rows || USUAL_ROWS) - 1, foot, paint);
    // Back up over the last drawing and clear from there on (ECMA-48). Wrapping is off meanwhile (DECAWM), so that
    // a long line is cut by the terminal and takes one row.
    const back = drawn === 0 ? '' : `\x1b[${drawn}A`;
    output.write(`\x1b[?7l${back}\x1b[J${lines.join('\n')}\n\x1b[?7h`);
    drawn = lines.length;
  };
  const timer = setInterval(draw, REDRAW_MS);

  return {
    print(flow) {
      table.add(flow);
      changed = true;
    },
    close() {
      clearInterval(timer);
      draw();
    },
  };
}
