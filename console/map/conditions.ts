import { quoted } from '../filter/conditions.js';
import type { Side } from '../records/flow.js';
import type { GraphEdge, GraphNode } from './graph.js';

/** The filter that finds the flows of an edge; undefined where an end is hidden from the reader. */
export function edgeFilter(edge: GraphEdge, nodes: ReadonlyMap<string, GraphNode>): string | undefined {
  const source = nodes.get(edge.source);
  const target = nodes.get(edge.target);
  const client = source && nodeCondition(source, 'src');
  const server = target && nodeCondition(target, 'dst');
  return client === undefined || server === undefined ? undefined : `${client} && ${server}`;
}

/** The condition that a side of a flow is a node of the map. */
export function nodeCondition({ kind, namespace, name }: GraphNode, side: Side): string | undefined {
  const is = (field: string, value: string) => `${side}.${field} == ${quoted(value)}`;
  switch (kind) {
    case 'namespace':
      return is('namespace', name);
    case 'workload':
      return `${is('namespace', namespace)} && ${is('workload', name)}`;
    case 'service':
      return side === 'dst'
        ? `dst.service_namespace == ${quoted(namespace)} && dst.service == ${quoted(name)}`
        : undefined;
    case 'network_set':
      return namespace === '' ? is('name', name) : `${is('namespace', namespace)} && ${is('name', name)}`;
    case 'node':
      return `${is('kind', 'node')} && ${is('name', name)}`;
    case 'external':
      return isAddressClass(name)
        ? `${is('kind', 'external')} && ${is('domain', '')} && ${is('address_class', name)}`
        : is('domain', name);
    case 'hidden':
      return undefined;
    default:
      return is(kind, name);
  }
}

/** External peers without a domain go by the class of their address. */
function isAddressClass(name: string): boolean {
  return !name.includes('.');
}
