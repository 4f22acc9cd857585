import type { FlowStore } from '@sonde/backbone/store/store';
import type { EnrichedFlows } from '@sonde/model/flow/batch';
import { enrichedFlows } from '@sonde/model/flow/build-enriched';
import { halvesOf, readWide, writeWide } from '@sonde/model/flow/wide';
import { syntheticFlows } from '../synthetic-flows.js';

/** How many flows are stored, and over how long they are spread, up to now. */
const FLOWS = 10_000_000;
const SPAN_MS = 6 * 3_600_000;

const BLOCK_ROWS = 50_000;
/** Blocks that differ in more than their times; others are these again. */
const DISTINCT_BLOCKS = 8;

/** Gives blocks of flows at the times asked for. A block is good until the next one is asked for. */
export interface FlowBlocks {
  block(number: number, startMs: number): EnrichedFlows;
}

/** Flows as a cluster has them, which repeat. */
export function manyFlows(): FlowBlocks {
  const synthetic = syntheticFlows();
  const spanMs = (SPAN_MS * BLOCK_ROWS) / FLOWS;
  const blocks = Array.from({ length: DISTINCT_BLOCKS }, () =>
    enrichedFlows(synthetic.block(BLOCK_ROWS, 0, spanMs)),
  );
  return {
    block(number, startMs) {
      const block = blocks[number % DISTINCT_BLOCKS];
      if (!block) throw new RangeError(`there is no block ${number}`);
      const { start_time, end_time, transport_offset } = block.columns;
      const formerMs = readWide(halvesOf(start_time), 0);
      for (const column of [start_time, end_time]) {
        const halves = halvesOf(column);
        for (let row = 0; row < block.rows; row++)
          writeWide(halves, row, readWide(halves, row) - formerMs + startMs);
      }
      const offsets = halvesOf(transport_offset);
      for (let row = 0; row < block.rows; row++) writeWide(offsets, row, number);
      return block;
    },
  };
}

/** Stores the flows. */
export async function fillStore(store: FlowStore, source: FlowBlocks): Promise<void> {
  const blocks = FLOWS / BLOCK_ROWS;
  const startMs = Date.now() - SPAN_MS;
  for (let number = 0; number < blocks; number++) {
    await store.insert({ flows: source.block(number, startMs + (number * SPAN_MS) / blocks) });
  }
}
