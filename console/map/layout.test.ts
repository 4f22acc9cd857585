import { expect, it } from 'vitest';
import type { MapGraph } from './graph.js';
import { layOut } from './layout.js';

function ring(size: number): MapGraph {
  const nodes = Array.from({ length: size }, (_, index) => ({
    ...{ id: `node/${index}`, kind: 'namespace', namespace: '', name: String(index) },
    ...{ bytesSent: 0, bytesReceived: 0, group: undefined },
  }));
  const edges = nodes.map(({ id }, index) => ({ source: id, target: `node/${(index + 1) % size}` }));
  return { nodes, edges: edges as unknown as MapGraph['edges'] };
}

it('places the same graph at the same positions each time', () => {
  expect(layOut(ring(12), {})).toEqual(layOut(ring(12), {}));
});

it('leaves placed nodes where they are when nodes are added', () => {
  const before = layOut(ring(8), {});
  const after = layOut(ring(12), before);
  for (const [id, position] of Object.entries(before)) expect(after[id]).toEqual(position);
});
