import type { FlowRow } from '@sonde/model/flow/records';
import { bytesText, type FlowCells, flowCells, microsText } from './cells.js';
import { counted } from '../table/counted.js';
import { cut } from '../table/layout.js';
import type { Screen } from '../table/screen.js';
import type { TimeFormat } from '../table/time.js';
import { type Color, colorOfVerdict } from '../table/color.js';
import { cellsLine, flowLayout } from './lines.js';

/** Flows with the same source, destination, port and verdict. */
interface Conversation {
  cells: FlowCells;
  color: Color;
  bytes: number;
  packets: number;
  rttSum: number;
  rttCount: number;
}

/** Maximum number of conversations; the least recent is dropped first. */
const MAX_CONVERSATIONS = 1000;

/** Aggregates flows into conversations for a table that is redrawn in place. */
export class LiveTable {
  readonly #conversations = new Map<string, Conversation>();
  #flows = 0;

  add(flow: FlowRow, times: TimeFormat): void {
    this.#flows += 1;
    const cells = flowCells(flow, times);
    const key = [cells.source, cells.destination, cells.port, cells.verdict].join('|');
    const conversation = this.#conversations.get(key) ?? {
      cells,
      color: colorOfVerdict(flow),
      bytes: 0,
      packets: 0,
      rttSum: 0,
      rttCount: 0,
    };
    conversation.cells = cells;
    conversation.bytes += flow.bytes_out + flow.bytes_in;
    conversation.packets += flow.packets_out + flow.packets_in;
    conversation.rttSum += flow.rtt_us;
    conversation.rttCount += flow.rtt_us > 0 ? 1 : 0;
    // Reinserted, so that the map is ordered by the latest flow.
    this.#conversations.delete(key);
    this.#conversations.set(key, conversation);
    if (this.#conversations.size > MAX_CONVERSATIONS) {
      const [oldest] = this.#conversations.keys();
      if (oldest !== undefined) this.#conversations.delete(oldest);
    }
  }

  /** The table in at most `height` lines with the latest conversations; `foot` is in the last line. */
  lines(height: number, foot: string, { paint, width }: Screen): string[] {
    const all = [...this.#conversations.values()];
    const shown = all.slice(-Math.max(1, height - 2)).sort(bySourceThenDestination);
    const layout = flowLayout(shown.map(cellsOf), width);
    const omitted = shown.length < all.length ? ` (latest ${shown.length} shown)` : '';
    const summary = `${counted(this.#flows, 'flow')} in ${counted(all.length, 'conversation')}${omitted}. ${foot}`;
    return [
      layout.title(paint),
      ...shown.map((conversation) => cellsLine(layout, cellsOf(conversation), conversation.color, paint)),
      paint('dim', cut(summary, width ?? Infinity)),
    ];
  }
}

function cellsOf({ cells, bytes, packets, rttSum, rttCount }: Conversation): FlowCells {
  const rtt = microsText(rttCount === 0 ? 0 : Math.round(rttSum / rttCount));
  return { ...cells, bytes: bytesText(bytes), packets: String(packets), rtt };
}

function bySourceThenDestination(a: Conversation, b: Conversation): number {
  return (
    a.cells.source.localeCompare(b.cells.source) || a.cells.destination.localeCompare(b.cells.destination)
  );
}
