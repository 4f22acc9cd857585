import cytoscape, { type ElementDefinition } from 'cytoscape';
import fcose from 'cytoscape-fcose';
import type { MapGraph } from './graph.js';

export interface Position {
  readonly x: number;
  readonly y: number;
}

/** Size of a node on the map, in pixels at 100 %. */
export const NODE_WIDTH = 150;
export const NODE_HEIGHT = 34;

export type Positions = Readonly<Record<string, Position>>;

cytoscape.use(fcose);

/**
 * Places the nodes of a graph. Nodes with a known position keep it, so that the map does not jump when data change;
 * new ones are placed near their neighbors. The same graph always gets the same positions.
 */
export function layOut(graph: MapGraph, known: Positions): Record<string, Position> {
  if (graph.nodes.every(({ id }) => known[id])) return { ...known };
  const graphic = cytoscape({
    headless: true,
    styleEnabled: true,
    // The layout keeps nodes apart by their size.
    style: [{ selector: 'node', style: { width: NODE_WIDTH, height: NODE_HEIGHT } }],
    elements: elementsOf(graph, known),
  });
  const fixed = graph.nodes.flatMap(({ id }) =>
    known[id] ? [{ nodeId: id, position: { ...known[id] } }] : [],
  );
  graphic
    .layout({
      name: 'fcose',
      randomize: false,
      animate: false,
      quality: 'default',
      nodeSeparation: 160,
      idealEdgeLength: 180,
      nodeRepulsion: 20_000,
      packComponents: true,
      ...(fixed.length > 0 && { fixedNodeConstraint: fixed }),
    } as cytoscape.LayoutOptions)
    .run();
  const positions: Record<string, Position> = { ...known };
  for (const { id } of graph.nodes) {
    const { x, y } = graphic.getElementById(id).position();
    positions[id] = known[id] ?? { x: Math.round(x), y: Math.round(y) };
  }
  graphic.destroy();
  return positions;
}

function elementsOf({ nodes, edges }: MapGraph, known: Positions): ElementDefinition[] {
  const groups = new Set(nodes.flatMap(({ group }) => group ?? []));
  return [
    ...[...groups].map((id) => ({ data: { id: `group ${id}` } })),
    ...nodes.map(({ id, group }) => ({
      data: { id, ...(group !== undefined && { parent: `group ${group}` }) },
      position: { ...(known[id] ?? hashedPosition(id)) },
    })),
    ...edges
      .filter(({ source, target }) => source !== target)
      .map(({ source, target }) => ({ data: { source, target } })),
  ];
}

/** A start position that depends on nothing but the id (FNV-1a). */
function hashedPosition(id: string): Position {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193) >>> 0;
  return { x: hash % 1000, y: (hash >>> 10) % 800 };
}
