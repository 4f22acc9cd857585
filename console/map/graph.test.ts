import { describe, expect, it } from 'vitest';
import { compareGraphs } from './compare.js';
import { type Graph, type GraphEdge, mapGraph, mergeEdges, neighborhood } from './graph.js';

function edge(source: string, target: string, change: Partial<GraphEdge> = {}): GraphEdge {
  return {
    ...{
      source,
      target,
      flows: 1,
      connections: 1,
      bytesOut: 1,
      bytesIn: 1,
      bytesOutPerSecond: 1,
      bytesInPerSecond: 1,
    },
    ...{ allowed: 1, denied: 0, unknown: 0, contradictions: 0, errors: 0, droppedPackets: 0, retransmits: 0 },
    ...{ rttP95Micros: null, ports: [] },
    ...change,
  };
}

function graph(edges: readonly GraphEdge[]): Graph {
  const ids = [...new Set(edges.flatMap(({ source, target }) => [source, target]))];
  const nodes = ids.map((id) => {
    const [kind = '', ...rest] = id.split('/');
    const name = rest.pop() ?? '';
    return { id, kind, namespace: rest[0] ?? '', name, bytesSent: 0, bytesReceived: 0 };
  });
  return { nodes, edges, truncated: false };
}

const namespaces = graph([edge('namespace/a', 'namespace/b'), edge('namespace/b', 'namespace/c')]);
const workloads = graph([edge('workload/a/web', 'workload/b/api'), edge('workload/a/job', 'workload/b/api')]);

describe('the map', () => {
  it('shows namespaces while none is expanded', () => {
    expect(mapGraph(namespaces, undefined, new Set()).edges).toEqual(namespaces.edges);
  });

  it('replaces an expanded namespace by its workloads, inside a group', () => {
    const { nodes, edges } = mapGraph(namespaces, workloads, new Set(['a']));
    expect(edges.map(({ source, target }) => `${source} ${target}`)).toEqual([
      'namespace/b namespace/c',
      'workload/a/web namespace/b',
      'workload/a/job namespace/b',
    ]);
    expect(nodes.find(({ id }) => id === 'workload/a/web')?.group).toBe('namespace/a');
    expect(nodes.map(({ id }) => id)).not.toContain('namespace/a');
  });

  it('narrows to callers and callees of the node in focus', () => {
    const all = mapGraph(namespaces, workloads, new Set(['a', 'b']));
    expect(neighborhood(all, 'workload/b/api').edges).toHaveLength(2);
  });
});

describe('merged edges', () => {
  it('add up counts and keep the larger quantile', () => {
    const [merged] = mergeEdges([
      edge('a', 'b', { denied: 2, rttP95Micros: 5, ports: [{ protocol: 6, port: 80 }] }),
      edge('a', 'b', { denied: 3, rttP95Micros: 9, ports: [{ protocol: 6, port: 80 }, { protocol: 1 }] }),
    ]);
    expect(merged).toMatchObject({
      flows: 2,
      denied: 5,
      rttP95Micros: 9,
      ports: [{ port: 80 }, { protocol: 1 }],
    });
  });

  it('have no round-trip time where neither has one', () => {
    expect(mergeEdges([edge('a', 'b'), edge('a', 'b')])[0]?.rttP95Micros).toBeNull();
  });
});

describe('two ranges compared', () => {
  it('mark edges that are new, gone, or denied in one of them only', () => {
    const before = mapGraph(graph([edge('n/a', 'n/b'), edge('n/a', 'n/c')]), undefined, new Set());
    const now = mapGraph(
      graph([edge('n/a', 'n/b', { denied: 1 }), edge('n/a', 'n/d')]),
      undefined,
      new Set(),
    );
    const { changes, edges } = compareGraphs(now, before);
    expect(Object.fromEntries(changes)).toEqual({
      'n/a n/b': 'verdict',
      'n/a n/d': 'new',
      'n/a n/c': 'gone',
    });
    expect(edges).toHaveLength(3);
  });
});
