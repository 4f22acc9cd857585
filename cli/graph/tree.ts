import { bytesText, microsText } from '../flow-table/cells.js';
import type { Paint } from '../table/color.js';
import { counted } from '../table/counted.js';
import { cut } from '../table/layout.js';
import type { Screen } from '../table/screen.js';
import { type GraphAnswer, type GraphEdge, nodeName, portsText } from './answer.js';

/**
 * A graph as a tree: each client with its servers below it, most bytes first. Where a line is longer than the terminal,
 * the facts of an edge are on a line of their own.
 */
export function graphTree({ nodes, edges, truncated }: GraphAnswer, { paint, width }: Screen): string {
  if (edges.length === 0) return 'No flows match.';
  const names = new Map(nodes.map((node) => [node.id, nodeName(node)] as const));
  const nameOf = (id: string) => names.get(id) ?? id;
  const clients = [...new Set(edges.map(({ source }) => source))];
  const lines = clients.flatMap((client) => {
    const own = edges.filter(({ source }) => source === client);
    return [
      paint('bold', nameOf(client)),
      ...own.flatMap((edge, index) => {
        const isLast = index === own.length - 1;
        const target = `${isLast ? '└─' : '├─'} ${nameOf(edge.target)} ${portsText(edge.ports)}`;
        const plain = `${target}  ${factsText(edge, (_, text) => text)}`;
        const facts = factsText(edge, paint);
        if (width === undefined || plain.length <= width) return [`${target}  ${facts}`];
        return [cut(target, width), `${isLast ? ' ' : '│'}     ${facts}`];
      }),
    ];
  });
  return [...lines, ...(truncated ? ['There are more edges: raise --limit.'] : [])].join('\n');
}

function factsText(edge: GraphEdge, paint: Paint): string {
  const { connections, bytesOut, bytesIn, rttP95Micros, denied, errors } = edge;
  const facts = [
    counted(connections, 'connection'),
    bytesText(bytesOut + bytesIn),
    ...(rttP95Micros === null ? [] : [`p95 ${microsText(Math.round(rttP95Micros))}`]),
    ...(denied === 0 ? [] : [paint('red', `${denied} denied`)]),
    ...(errors === 0 ? [] : [paint('yellow', `${errors} refused or unanswered`)]),
  ];
  return facts.join(', ');
}
