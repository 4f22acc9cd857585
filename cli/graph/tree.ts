import { bytesText, microsText } from '../flow-table/cells.js';
import type { Paint } from '../table/color.js';
import { counted } from '../table/counted.js';
import { type GraphAnswer, type GraphEdge, nodeName, portsText } from './answer.js';

/** A graph as a tree: each client with its servers below it, most bytes first. */
export function graphTree({ nodes, edges, truncated }: GraphAnswer, paint: Paint): string {
  if (edges.length === 0) return 'No flows match.';
  const names = new Map(nodes.map((node) => [node.id, nodeName(node)] as const));
  const nameOf = (id: string) => names.get(id) ?? id;
  const clients = [...new Set(edges.map(({ source }) => source))];
  const lines = clients.flatMap((client) => {
    const own = edges.filter(({ source }) => source === client);
    return [
      paint('bold', nameOf(client)),
      ...own.map(
        (edge, index) =>
          `${index < own.length - 1 ? '├─' : '└─'} ${edgeText(edge, nameOf(edge.target), paint)}`,
      ),
    ];
  });
  return [...lines, ...(truncated ? ['There are more edges: raise --limit.'] : [])].join('\n');
}

function edgeText(edge: GraphEdge, target: string, paint: Paint): string {
  const { ports, connections, bytesOut, bytesIn, rttP95Micros, denied, errors } = edge;
  const facts = [
    counted(connections, 'connection'),
    bytesText(bytesOut + bytesIn),
    ...(rttP95Micros === null ? [] : [`p95 ${microsText(Math.round(rttP95Micros))}`]),
    ...(denied === 0 ? [] : [paint('red', `${denied} denied`)]),
    ...(errors === 0 ? [] : [paint('yellow', `${errors} refused or unanswered`)]),
  ];
  return `${target} ${portsText(ports)}  ${facts.join(', ')}`;
}
