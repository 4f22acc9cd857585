import type { FlowRow } from '@sonde/model/flow/records';
import { bytesText, type FlowCells, flowCells, microsText } from './cells.js';
import { type Color, colorOfVerdict, type Paint } from './color.js';
import { cellsLine, titleLine, widthsFor } from './lines.js';

/** Flows between the same two ends, on the same port, with the same verdict. */
interface Conversation {
  cells: FlowCells;
  color: Color;
  bytes: number;
  packets: number;
  rttSum: number;
  rttCount: number;
  lastMs: number;
}

/** Most conversations that are kept; the longest silent go first. */
const MAX_CONVERSATIONS = 1000;

/**
 * Sums flows up into conversations for a table that is redrawn in place. `lines` gives as many of the latest as fit.
 */
export class LiveTable {
  readonly #conversations = new Map<string, Conversation>();
  #flows = 0;

  add(flow: FlowRow): void {
    this.#flows += 1;
    const cells = flowCells(flow);
    const key = [cells.source, cells.destination, cells.port, cells.verdict].join('|');
    const conversation = this.#conversations.get(key) ?? {
      cells,
      color: colorOfVerdict(flow),
      bytes: 0,
      packets: 0,
      rttSum: 0,
      rttCount: 0,
      lastMs: 0,
    };
    conversation.cells = cells;
    conversation.bytes += flow.bytes_out + flow.bytes_in;
    conversation.packets += flow.packets_out + flow.packets_in;
    conversation.rttSum += flow.rtt_us;
    conversation.rttCount += flow.rtt_us > 0 ? 1 : 0;
    conversation.lastMs = Math.max(conversation.lastMs, Date.parse(flow.end_time));
    // Set again, so that the map's order is that of the latest flow.
    this.#conversations.delete(key);
    this.#conversations.set(key, conversation);
    if (this.#conversations.size > MAX_CONVERSATIONS) {
      const [oldest] = this.#conversations.keys();
      if (oldest !== undefined) this.#conversations.delete(oldest);
    }
  }

  /** The table in at most `height` lines, `foot` being in the last. */
  lines(height: number, foot: string, paint: Paint): string[] {
    const all = [...this.#conversations.values()];
    const shown = all.slice(-Math.max(1, height - 3)).sort(bySourceThenDestination);
    const widths = widthsFor(shown.map(cellsOf));
    const cut = shown.length < all.length ? `, the latest ${shown.length} shown` : '';
    const summary = `${this.#flows} flows in ${all.length} conversations${cut}`;
    return [
      titleLine(paint, widths),
      ...shown.map((conversation) => cellsLine(cellsOf(conversation), paint, conversation.color, widths)),
      paint('dim', `${summary}. ${foot}`),
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
