import type { GraphNode } from './graph.js';

/** The name of a node as the map and its table show it. */
export function nodeTitle({
  kind,
  namespace,
  name,
  group,
}: GraphNode & { readonly group?: string | undefined }): string {
  switch (kind) {
    case 'hidden':
      return 'hidden peers';
    case 'external':
      return name === '' ? 'external' : name;
    case 'service':
      return `${inGroup(namespace, name, group)} (service)`;
    default:
      return inGroup(namespace, name, group);
  }
}

/** Inside the group of its namespace, a name needs no namespace. */
function inGroup(namespace: string, name: string, group: string | undefined): string {
  return namespace === '' || group !== undefined ? name : `${namespace}/${name}`;
}

/** Kind and name, for headings. */
export function nodeHeading(node: GraphNode): string {
  return `${node.kind.replace('_', ' ')} ${nodeTitle(node)}`;
}
