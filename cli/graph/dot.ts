import { bytesText } from '../flow-table/cells.js';
import { type GraphAnswer, nodeName, portsText } from './answer.js';

/** A graph in Graphviz's language (https://graphviz.org/doc/info/lang.html); namespaces are clusters. */
export function graphDot({ nodes, edges }: GraphAnswer): string {
  const namespaces = [...new Set(nodes.map(({ namespace }) => namespace))].sort();
  const clusters = namespaces.flatMap((namespace, index) => {
    const own = nodes.filter((node) => node.namespace === namespace);
    const lines = own.map(
      (node) => `${quoted(node.id)} [label=${quoted(nodeName({ ...node, namespace: '' }))}];`,
    );
    if (namespace === '') return own.map((node) => `  ${quoted(node.id)} [label=${quoted(nodeName(node))}];`);
    return [
      `  subgraph cluster_${index} {`,
      `    label=${quoted(namespace)};`,
      ...lines.map((line) => `    ${line}`),
      '  }',
    ];
  });
  const arrows = edges.map(({ source, target, bytesOut, bytesIn, denied, errors, ports }) => {
    const label = quoted(`${portsText(ports)} ${bytesText(bytesOut + bytesIn)}`);
    const color = denied > 0 ? 'red' : errors > 0 ? 'orange' : 'black';
    return `  ${quoted(source)} -> ${quoted(target)} [label=${label}, color=${color}];`;
  });
  return ['digraph flows {', '  rankdir=LR;', ...clusters, ...arrows, '}'].join('\n');
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
