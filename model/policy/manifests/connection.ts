import { AddressError, formatAddress, parseAddress } from '../../net/address.js';
import { familyOf } from '../../net/prefix.js';
import { FROM_OWN_NODE, SELF, UNRELATED, type Relation } from '../evaluate/connection.js';
import { UNKNOWN_PORT } from '../evaluate/match.js';
import { hasPorts, isIcmp, protocolName, protocolNumber } from '../../net/protocol.js';
import { Fields, type FieldProblem } from '../resources/fields.js';
import type { DirectionResult, PolicyResult } from '../evaluate/results.js';
import type { ManifestCluster } from './cluster.js';
import type { ServiceBackends } from './policy-objects.js';
import type { ManifestPod } from './kubernetes.js';

/** The result for a connection between named endpoints. */
export type ConnectionReport = Pick<PolicyResult, 'verdict' | 'egress' | 'ingress' | 'notes'> & {
  readonly pending: Pick<PolicyResult['pending'], 'verdict' | 'egress' | 'ingress'>;
};

/** A connection that is invalid, or that names something which does not exist. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  constructor(readonly problems: readonly FieldProblem[]) {
    super(problems.map(({ field, reason }) => `${field} ${reason}`).join('; '));
  }
}

/** An endpoint, or one of several that a name resolves to. */
interface ResolvedEndpoint {
  readonly pod: ManifestPod | undefined;
  /** Undefined if unknown. */
  readonly address: Uint8Array | undefined;
  /** The port of this endpoint, if it is a backend of a named service. */
  readonly port: number | undefined;
}

interface ResolvedConnection {
  readonly from: readonly ResolvedEndpoint[];
  readonly to: readonly ResolvedEndpoint[];
  readonly protocol: number;
  readonly port: number | string | undefined;
  readonly sourcePort: number;
  readonly notes: readonly string[];
}

const FIELDS = ['from', 'to', 'protocol', 'port', 'sourcePort', 'icmpType', 'icmpCode'];

const UNKNOWN_DIRECTION: DirectionResult = { verdict: 'unknown', trace: [] };

/**
 * Evaluates a connection `{from, to, protocol, port, sourcePort?, icmpType?, icmpCode?}`: endpoints are `namespace/pod`,
 * `namespace/workload` or an address; the destination also `service/namespace/name`, or a domain name with known DNS
 * answers.
 * @throws ConnectionError if the connection cannot be read, or names something that the cluster does not have.
 */
export function evaluateNamed(cluster: ManifestCluster, connection: unknown): ConnectionReport {
  const problems: FieldProblem[] = [];
  const resolved = readConnection(cluster, new Fields(connection, '', problems));
  if (problems.length > 0) throw new ConnectionError(problems);
  const notes = [...resolved.notes, ...endpointNotes(cluster, [...resolved.from, ...resolved.to])];
  const finished = [...resolved.from, ...resolved.to].find(({ pod }) => pod?.finished)?.pod;
  if (finished) return unknownReport(`pod ${nameOf(finished)} has finished: it has no connections`, notes);
  const pairs = resolved.from.flatMap((from) => resolved.to.map((to) => ({ from, to }))).filter(sameFamily);
  const results = pairs.map(({ from, to }) => evaluatePair(cluster, from, to, resolved));
  const [first] = results;
  if (!first)
    return unknownReport(
      'the endpoints have no common address family, or the service has no endpoint',
      notes,
    );
  return combineResults(first, results, pairs, notes);
}

function readConnection(cluster: ManifestCluster, fields: Fields): ResolvedConnection {
  const unread = fields.names().filter((name) => !FIELDS.includes(name));
  const notes = unread.map((name) => `the field ${name} was ignored`);
  const given = fields.numberOrString('protocol') ?? '';
  const protocol = protocolNumber(given) ?? 0;
  if (protocol === 0)
    fields.problem('protocol', `"${given}" is not a protocol name, nor a number from 1 to 255`);
  const port = fields.numberOrString('port');
  if (hasPorts(protocol)) {
    if (port === undefined) fields.problem('port', `is missing; ${protocolName(protocol)} requires it`);
    if (typeof port === 'number') fields.integer('port', 0, 65_535);
  }
  const from = resolveEndpoint(cluster, fields, 'from', protocol, undefined, notes);
  const to = resolveEndpoint(cluster, fields, 'to', protocol, port, notes);
  const sourcePort = fields.integer('sourcePort', 0, 65_535) ?? UNKNOWN_PORT;
  if (!isIcmp(protocol))
    return { from, to, protocol, port: hasPorts(protocol) ? port : 0, sourcePort, notes };
  const type = fields.integer('icmpType', 0, 255);
  const code = fields.integer('icmpCode', 0, 255);
  if (type !== undefined && code === undefined) notes.push('icmpCode is missing; 0 is assumed');
  return {
    from,
    to,
    protocol,
    port: type === undefined ? UNKNOWN_PORT : type * 256 + (code ?? 0),
    sourcePort,
    notes,
  };
}

function resolveEndpoint(
  cluster: ManifestCluster,
  fields: Fields,
  name: 'from' | 'to',
  protocol: number,
  port: number | string | undefined,
  notes: string[],
): ResolvedEndpoint[] {
  const text = fields.requiredString(name);
  if (text === '') return [];
  if (name === 'to' && text.startsWith('service/')) {
    const backends = cluster.services.get(text.slice('service/'.length));
    if (backends) return serviceBackends(cluster, backends, text, protocol, port, notes);
    fields.problem(name, `is ${text}, which is not in the manifests`);
    return [];
  }
  if (text.includes('/')) {
    const pod = cluster.pods.get(text);
    const pods = pod ? [pod] : (cluster.podsByWorkload.get(text) ?? []);
    if (pods.length > 0) return pods.flatMap((one) => podEndpoints(cluster, one));
    fields.problem(name, `is the pod or workload ${text}, which is not in the manifests`);
    return [];
  }
  const address = asAddress(text);
  if (address) {
    const backends = name === 'to' ? cluster.servicesByAddress.get(formatAddress(address)) : undefined;
    if (!backends) return [endpointAt(cluster, address)];
    return serviceBackends(cluster, backends, formatAddress(address), protocol, port, notes);
  }
  const answers = name === 'to' ? cluster.dns?.get(text) : undefined;
  if (answers && answers.length > 0) return answers.map((answer) => endpointAt(cluster, answer));
  fields.problem(
    name,
    name === 'to'
      ? `"${text}" is not a namespace/pod, an address, or a domain name with known addresses`
      : `"${text}" is not a namespace/pod or an address`,
  );
  return [];
}

function podEndpoints(cluster: ManifestCluster, pod: ManifestPod): ResolvedEndpoint[] {
  const addresses =
    pod.addresses.length > 0 || !pod.hostNetwork ? pod.addresses : nodeAddresses(cluster, pod.node);
  if (addresses.length === 0) return [{ pod, address: undefined, port: undefined }];
  return addresses.map((address) => ({ pod, address, port: undefined }));
}

/** The first address of a node in each family, which is the one of its status. */
function nodeAddresses({ nodesByAddress }: ManifestCluster, node: string): Uint8Array[] {
  const addresses = [...nodesByAddress].flatMap(([text, name]) => (name === node ? parseAddress(text) : []));
  return ([4, 6] as const).flatMap(
    (family) => addresses.find((address) => familyOf(address) === family) ?? [],
  );
}

function endpointAt(cluster: ManifestCluster, address: Uint8Array): ResolvedEndpoint {
  return { pod: cluster.podsByAddress.get(formatAddress(address)), address, port: undefined };
}

/** The endpoints that a service address is translated to before policies apply. */
function serviceBackends(
  cluster: ManifestCluster,
  { service, endpoints }: ServiceBackends,
  given: string,
  protocol: number,
  port: number | string | undefined,
  notes: string[],
): ResolvedEndpoint[] {
  const servicePort = service.ports.find(
    (candidate) => candidate.protocol === protocol && (candidate.port === port || candidate.name === port),
  );
  const name = `service ${service.namespace}/${service.name}`;
  const ends = (endpoints ?? [])
    .filter((endpoint) => endpoint.protocol === protocol && endpoint.portName === servicePort?.name)
    .map((endpoint) => ({ ...endpointAt(cluster, endpoint.address), port: endpoint.port }));
  notes.push(
    ends.length > 0
      ? `${given} is ${name}: policies apply to its endpoints`
      : `${given} is ${name}, which has no known endpoint for the port`,
  );
  return ends;
}

/** Notes on what is unknown about the pods, and on policies of their nodes that are not evaluated. */
function endpointNotes(
  { evaluator, missingNamespaces }: ManifestCluster,
  ends: readonly ResolvedEndpoint[],
): string[] {
  const pods = [...new Set(ends.map(({ pod }) => pod).filter((pod) => pod !== undefined))];
  const namespaces = new Set(pods.map(({ namespace }) => namespace));
  const nodes = new Set(pods.map(({ node }) => node));
  return [
    ...missingNamespaces
      .filter((name) => namespaces.has(name))
      .map((name) => `namespace ${name} is not in the manifests: only its name is known`),
    ...[...nodes].flatMap((node) =>
      evaluator
        .forwardPolicies(node)
        .map(
          ({ host, policy }) =>
            `${policy} of host endpoint ${host} is not evaluated for traffic that node ${node} forwards`,
        ),
    ),
  ];
}

function asAddress(text: string): Uint8Array | undefined {
  try {
    return parseAddress(text);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    return undefined;
  }
}

function sameFamily({ from, to }: { from: ResolvedEndpoint; to: ResolvedEndpoint }): boolean {
  return !from.address || !to.address || familyOf(from.address) === familyOf(to.address);
}

function evaluatePair(
  { evaluator, nodesByAddress }: ManifestCluster,
  from: ResolvedEndpoint,
  to: ResolvedEndpoint,
  connection: ResolvedConnection,
): PolicyResult {
  const identify = ({ pod, address }: ResolvedEndpoint) =>
    evaluator.identify(address, 0, pod && !pod.hostNetwork ? pod : undefined);
  const nodeOf = ({ pod, address }: ResolvedEndpoint) =>
    pod?.hostNetwork ? pod.node : address && !pod ? (nodesByAddress.get(formatAddress(address)) ?? '') : '';
  const number = evaluator.evaluate(
    identify(from),
    identify(to),
    connection.protocol,
    to.port ?? portNumber(connection.port, connection.protocol, to),
    connection.sourcePort,
    relationOf(from, to, nodeOf(from)),
  );
  return evaluator.result(number);
}

function relationOf(from: ResolvedEndpoint, to: ResolvedEndpoint, sourceNode: string): Relation {
  const samePod = from.pod !== undefined && from.pod === to.pod;
  const sameAddress = from.address && to.address && formatAddress(from.address) === formatAddress(to.address);
  if (samePod || sameAddress) return SELF;
  const own = to.pod && !to.pod.hostNetwork && to.pod.node === sourceNode && sourceNode !== '';
  return own ? FROM_OWN_NODE : UNRELATED;
}

function portNumber(port: number | string | undefined, protocol: number, to: ResolvedEndpoint): number {
  if (typeof port !== 'string') return port ?? 0;
  if (/^\d+$/.test(port) && Number(port) <= 65_535) return Number(port);
  const named = to.pod?.ports.find((candidate) => candidate.name === port && candidate.protocol === protocol);
  if (named) return named.port;
  throw new ConnectionError([
    {
      field: 'port',
      reason: `"${port}" is not the name of a ${protocolName(protocol)} port of the destination pod`,
    },
  ]);
}

/** The first result, unless a name resolves to several endpoints with different verdicts. */
function combineResults(
  first: PolicyResult,
  all: readonly PolicyResult[],
  pairs: readonly { from: ResolvedEndpoint; to: ResolvedEndpoint }[],
  notes: readonly string[],
): ConnectionReport {
  const { verdict, egress, ingress, pending } = first;
  const report = (further: readonly string[]): ConnectionReport => ({
    verdict,
    egress,
    ingress,
    pending: { verdict: pending.verdict, egress: pending.egress, ingress: pending.ingress },
    notes: [...notes, ...further, ...first.notes],
  });
  const other = all.findIndex(
    (result) => result.verdict !== verdict || result.pending.verdict !== pending.verdict,
  );
  const differing = all[other];
  if (!differing) return report([]);
  const side = pairs[0]?.from.pod === pairs[other]?.from.pod ? 'to' : 'from';
  const address = (at: number) => {
    const end = pairs[at]?.[side].address;
    return end ? formatAddress(end) : 'an unknown address';
  };
  const difference = `${address(0)}: ${verdict}, ${address(other)}: ${differing.verdict}`;
  // Further addresses of a pod are of another family; the first one represents the pod.
  if (side === 'to' && pairs[0]?.to.pod && pairs[0].to.pod === pairs[other]?.to.pod)
    return report([`by destination, ${difference}`]);
  return unknownReport(`it depends on the address: ${difference}`, notes);
}

function unknownReport(note: string, notes: readonly string[]): ConnectionReport {
  const unknown = { verdict: 'unknown' as const, egress: UNKNOWN_DIRECTION, ingress: UNKNOWN_DIRECTION };
  return { ...unknown, pending: unknown, notes: [...notes, note] };
}

function nameOf({ namespace, name }: ManifestPod): string {
  return `${namespace}/${name}`;
}
