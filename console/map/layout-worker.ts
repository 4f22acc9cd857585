import type { MapGraph } from './graph.js';
import { layOut, type Position, type Positions } from './layout.js';

export interface LayoutRequest {
  readonly id: number;
  readonly graph: MapGraph;
  readonly known: Positions;
}

export interface LayoutAnswer {
  readonly id: number;
  readonly positions: Record<string, Position>;
}

// Runs in a worker: a layout of thousands of edges would stop the page for seconds.
self.onmessage = ({ data }: MessageEvent<LayoutRequest>) => {
  const answer: LayoutAnswer = { id: data.id, positions: layOut(data.graph, data.known) };
  self.postMessage(answer);
};
