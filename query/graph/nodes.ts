/** What the nodes of a graph are. */
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

/** What tells the nodes of a graph apart: their kind, and their namespace and name, empty where there is none. */
export interface NodeName {
  readonly kind: NodeKind;
  readonly namespace: string;
  readonly name: string;
}

/** A node's name as one text. */
export function nodeId({ kind, namespace, name }: NodeName): string {
  return [kind, ...(namespace === '' ? [] : [namespace]), name].join('/');
}

/** A column that nodes are named by: as an expression of a record, and the name that it has from then on. */
export interface NodeField {
  readonly name: string;
  readonly sql: string;
}

/** What {@link nodeSql} needs to know of an end; the names of pods only where nothing else names them. */
export function nodeFields(end: 'src' | 'dst', level: GraphLevel): NodeField[] {
  const isPod = `${end}_kind IN (${PODS})`;
  const goesByOther = level === 'namespace' ? isPod : `${isPod} AND ${end}_workload != ''`;
  const plain = [
    ...['kind', 'namespace', 'domain', 'address_class'].map((field) => `${end}_${field}`),
    ...(level === 'namespace' ? [] : [`${end}_workload`]),
    ...(level === 'zone' ? [`${end}_zone`] : []),
    ...(level === 'service' && end === 'dst' ? ['dst_service_namespace', 'dst_service'] : []),
  ];
  return [
    ...plain.map((name) => ({ name, sql: name })),
    { name: `${end}_node_name`, sql: `if(${goesByOther}, '', ${end}_name)` },
  ];
}

/**
 * The node that an end of a flow belongs to, as a tuple of its {@link NodeName} in SQL, of the end's
 * {@link nodeFields}. Pods go by their workload, or by what the level says; who is outside by domain, network set or
 * class of address. Ends of which neither may be seen, are `hidden`.
 */
export function nodeSql(end: 'src' | 'dst', level: GraphLevel): string {
  const named = (kind: NodeKind, namespace: string, name: string) =>
    `('${kind}', toString(${namespace}), toString(${name}))`;
  const isPod = `${end}_kind IN (${PODS})`;
  const isNamespaced = `(${isPod} OR ${end}_kind = 'service')`;
  const name = `${end}_node_name`;
  const cases = [
    ...(level === 'zone' ? [[`${end}_zone != ''`, named('zone', "''", `${end}_zone`)]] : []),
    ...(level === 'service' && end === 'dst'
      ? [["dst_service != ''", named('service', 'dst_service_namespace', 'dst_service')]]
      : []),
    [`${isNamespaced} AND ${end}_namespace = ''`, named('hidden', "''", "''")],
    ...(level === 'namespace'
      ? [[isNamespaced, named('namespace', "''", `${end}_namespace`)]]
      : [
          [
            isPod,
            named('workload', `${end}_namespace`, `if(${end}_workload = '', ${name}, ${end}_workload)`),
          ],
        ]),
    [`${end}_kind = 'service'`, named('service', `${end}_namespace`, name)],
    [`${end}_kind = 'node'`, named('node', "''", name)],
    [`${end}_domain != ''`, named('external', "''", `${end}_domain`)],
    [`${end}_kind = 'network_set'`, named('network_set', `${end}_namespace`, name)],
  ];
  return `multiIf(${cases.flat().join(', ')}, ${named('external', "''", `${end}_address_class`)})`;
}

/** The kinds of ends that are pods. */
const PODS = "'pod', 'host_network_pod'";
