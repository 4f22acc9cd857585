/** A node of `GET /api/v1/graph`. */
export interface GraphNode {
  readonly id: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** An edge of `GET /api/v1/graph`, from client to server. */
export interface GraphEdge {
  readonly source: string;
  readonly target: string;
  readonly flows: number;
  readonly connections: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly bytesOutPerSecond: number;
  readonly bytesInPerSecond: number;
  readonly allowed: number;
  readonly denied: number;
  readonly unknown: number;
  readonly contradictions: number;
  readonly errors: number;
  readonly droppedPackets: number;
  readonly retransmits: number;
  readonly rttP95Micros: number | null;
  readonly ports: readonly { readonly protocol: number; readonly port?: number }[];
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** There are more edges; those with the most bytes are here. */
  readonly truncated: boolean;
}

/** What the map draws: nodes, some of them inside groups, and edges between nodes. */
export interface MapGraph {
  readonly nodes: readonly MapNode[];
  readonly edges: readonly GraphEdge[];
}

export interface MapNode extends GraphNode {
  /** Id of the group that the node is drawn in: its namespace, if that is expanded. */
  readonly group: string | undefined;
}

/**
 * The graph of the map: namespaces, of which the expanded ones are replaced by their workloads. Edges between
 * what is not expanded are those of `namespaces`; all others are those of `workloads`, with the ends of collapsed
 * namespaces merged.
 */
export function mapGraph(
  namespaces: Graph,
  workloads: Graph | undefined,
  expanded: ReadonlySet<string>,
): MapGraph {
  if (!workloads || expanded.size === 0)
    return { nodes: namespaces.nodes.map(outside), edges: namespaces.edges };
  const byId = new Map(workloads.nodes.map((node) => [node.id, node]));
  const isExpanded = (node: GraphNode | undefined) => node !== undefined && expanded.has(node.namespace);
  const place = (id: string): string => {
    const node = byId.get(id);
    return !node || isExpanded(node) || node.namespace === '' || !inNamespaces.has(node.kind)
      ? id
      : `namespace/${node.namespace}`;
  };
  const fromWorkloads = workloads.edges
    .filter(({ source, target }) => isExpanded(byId.get(source)) || isExpanded(byId.get(target)))
    .map((edge) => ({ ...edge, source: place(edge.source), target: place(edge.target) }));
  const hidden = new Set([...expanded].map((namespace) => `namespace/${namespace}`));
  const between = namespaces.edges.filter(({ source, target }) => !hidden.has(source) && !hidden.has(target));
  const edges = mergeEdges([...between, ...fromWorkloads]);
  const used = new Set(edges.flatMap(({ source, target }) => [source, target]));
  const nodes = new Map<string, MapNode>();
  for (const node of namespaces.nodes) if (!hidden.has(node.id)) nodes.set(node.id, outside(node));
  for (const node of workloads.nodes) {
    if (!used.has(node.id) || nodes.has(node.id)) continue;
    nodes.set(node.id, { ...node, group: isExpanded(node) ? `namespace/${node.namespace}` : undefined });
  }
  return { nodes: [...nodes.values()], edges };
}

/** Kinds of nodes that the level of namespaces merges into their namespace. */
const inNamespaces = new Set(['workload', 'service']);

/** The part of a graph around one node: its callers, itself and whom it calls. */
export function neighborhood({ nodes, edges }: MapGraph, focus: string): MapGraph {
  const touching = edges.filter(({ source, target }) => source === focus || target === focus);
  const ids = new Set(touching.flatMap(({ source, target }) => [source, target]));
  return { nodes: nodes.filter(({ id }) => ids.has(id)), edges: touching };
}

/** Edges with equal ends as one: counts are added, the quantile is the largest. */
export function mergeEdges(edges: readonly GraphEdge[]): GraphEdge[] {
  const merged = new Map<string, GraphEdge>();
  for (const edge of edges) {
    const key = `${edge.source} ${edge.target}`;
    const former = merged.get(key);
    merged.set(key, former ? sum(former, edge) : edge);
  }
  return [...merged.values()];
}

function sum(one: GraphEdge, other: GraphEdge): GraphEdge {
  const ports = new Map(
    [...one.ports, ...other.ports].map((port) => [`${port.protocol}/${port.port ?? ''}`, port]),
  );
  return {
    source: one.source,
    target: one.target,
    flows: one.flows + other.flows,
    connections: one.connections + other.connections,
    bytesOut: one.bytesOut + other.bytesOut,
    bytesIn: one.bytesIn + other.bytesIn,
    bytesOutPerSecond: one.bytesOutPerSecond + other.bytesOutPerSecond,
    bytesInPerSecond: one.bytesInPerSecond + other.bytesInPerSecond,
    allowed: one.allowed + other.allowed,
    denied: one.denied + other.denied,
    unknown: one.unknown + other.unknown,
    contradictions: one.contradictions + other.contradictions,
    errors: one.errors + other.errors,
    droppedPackets: one.droppedPackets + other.droppedPackets,
    retransmits: one.retransmits + other.retransmits,
    rttP95Micros:
      one.rttP95Micros === null && other.rttP95Micros === null
        ? null
        : Math.max(one.rttP95Micros ?? 0, other.rttP95Micros ?? 0),
    ports: [...ports.values()],
  };
}

function outside(node: GraphNode): MapNode {
  return { ...node, group: undefined };
}
