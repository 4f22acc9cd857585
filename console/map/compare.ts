import type { GraphEdge, MapGraph } from './graph.js';

/** How an edge differs from an earlier time range. */
export type EdgeChange = 'new' | 'gone' | 'verdict' | 'same';

export interface ComparedGraph extends MapGraph {
  /** By edge key; edges without an entry are the same. */
  readonly changes: ReadonlyMap<string, EdgeChange>;
}

/** Identifies an edge in a graph. */
export function edgeKey({ source, target }: Pick<GraphEdge, 'source' | 'target'>): string {
  return `${source} ${target}`;
}

/** A graph with the edges of an earlier one that are gone, and what became of each edge. */
export function compareGraphs(now: MapGraph, before: MapGraph): ComparedGraph {
  const former = new Map(before.edges.map((edge) => [edgeKey(edge), edge]));
  const current = new Set(now.edges.map(edgeKey));
  const changes = new Map<string, EdgeChange>();
  for (const edge of now.edges) {
    const old = former.get(edgeKey(edge));
    if (!old) changes.set(edgeKey(edge), 'new');
    else if (old.denied > 0 !== edge.denied > 0) changes.set(edgeKey(edge), 'verdict');
  }
  const gone = before.edges.filter((edge) => !current.has(edgeKey(edge)));
  for (const edge of gone) changes.set(edgeKey(edge), 'gone');
  const ids = new Set(now.nodes.map(({ id }) => id));
  const nodes = [...now.nodes, ...before.nodes.filter(({ id }) => !ids.has(id))];
  return { nodes, edges: [...now.edges, ...gone], changes };
}
