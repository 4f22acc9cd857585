/** What each node of a graph stands for. */
export const graphLevels = ['workload', 'service', 'namespace', 'zone'] as const;
export type GraphLevel = (typeof graphLevels)[number];

export const nodeKinds = [
  'workload',
  'service',
  'namespace',
  'zone',
  'node',
  'network_set',
  'external',
  'hidden',
] as const;
export type NodeKind = (typeof nodeKinds)[number];

/** Identifies a node; namespace and name are empty if it has none. */
export interface NodeName {
  readonly kind: NodeKind;
  readonly namespace: string;
  readonly name: string;
}

/** The id of a node. */
export function nodeId({ kind, namespace, name }: NodeName): string {
  return [kind, ...(namespace === '' ? [] : [namespace]), name].join('/');
}

/** A column that identifies nodes: an SQL expression over records, and its name. */
export interface NodeField {
  readonly name: string;
  readonly sql: string;
}

/** The columns of one side that {@link nodeSql} needs; pod names only where nothing else names the node. */
export function nodeFields(side: 'src' | 'dst', level: GraphLevel): NodeField[] {
  const isPod = `${side}_kind IN (${PODS})`;
  const isNamedOtherwise = level === 'namespace' ? isPod : `${isPod} AND ${side}_workload != ''`;
  const plain = [
    ...['kind', 'namespace', 'domain', 'address_class'].map((field) => `${side}_${field}`),
    ...(level === 'namespace' ? [] : [`${side}_workload`]),
    ...(level === 'zone' ? [`${side}_zone`] : []),
    ...(level === 'service' && side === 'dst' ? ['dst_service_namespace', 'dst_service'] : []),
  ];
  return [
    ...plain.map((name) => ({ name, sql: name })),
    { name: `${side}_node_name`, sql: `if(${isNamedOtherwise}, '', ${side}_name)` },
  ];
}

/**
 * The node of one side of a flow: an SQL tuple of its {@link NodeName} over the side's {@link nodeFields}. Pods belong to
 * their workload, or to what the level selects; external addresses to their domain, network set or address class. Sides
 * that the client may not see are `hidden`.
 */
export function nodeSql(side: 'src' | 'dst', level: GraphLevel): string {
  const named = (kind: NodeKind, namespace: string, name: string) =>
    `('${kind}', toString(${namespace}), toString(${name}))`;
  const isPod = `${side}_kind IN (${PODS})`;
  const isNamespaced = `(${isPod} OR ${side}_kind = 'service')`;
  const name = `${side}_node_name`;
  const cases = [
    ...(level === 'zone' ? [[`${side}_zone != ''`, named('zone', "''", `${side}_zone`)]] : []),
    ...(level === 'service' && side === 'dst'
      ? [["dst_service != ''", named('service', 'dst_service_namespace', 'dst_service')]]
      : []),
    [`${isNamespaced} AND ${side}_namespace = ''`, named('hidden', "''", "''")],
    ...(level === 'namespace'
      ? [[isNamespaced, named('namespace', "''", `${side}_namespace`)]]
      : [
          [
            isPod,
            named('workload', `${side}_namespace`, `if(${side}_workload = '', ${name}, ${side}_workload)`),
          ],
        ]),
    [`${side}_kind = 'service'`, named('service', `${side}_namespace`, name)],
    [`${side}_kind = 'node'`, named('node', "''", name)],
    [`${side}_domain != ''`, named('external', "''", `${side}_domain`)],
    [`${side}_kind = 'network_set'`, named('network_set', `${side}_namespace`, name)],
  ];
  return `multiIf(${cases.flat().join(', ')}, ${named('external', "''", `${side}_address_class`)})`;
}

/** The endpoint kinds that are pods. */
const PODS = "'pod', 'host_network_pod'";
