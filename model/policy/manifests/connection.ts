import { AddressError, formatAddress, parseAddress } from '../../net/address.js';
import { familyOf } from '../../net/prefix.js';
import { FROM_OWN_NODE, SELF, UNRELATED, type Relation } from '../evaluate/connection.js';
import { UNKNOWN_PORT } from '../evaluate/match.js';
import { hasPorts, isIcmp, protocolName, protocolNumber } from '../../net/protocol.js';
import { Fields, type FieldProblem } from '../resources/fields.js';
import type { DirectionResult, PolicyResult } from '../evaluate/results.js';
import type { ManifestCluster } from './cluster.js';
import type { ManifestPod } from './kubernetes.js';

/** What policies say of a connection that was asked for by name. */
export type ConnectionReport = Pick<PolicyResult, 'verdict' | 'egress' | 'ingress' | 'notes'> & {
  readonly pending: Pick<PolicyResult['pending'], 'verdict' | 'egress' | 'ingress'>;
};

/** A connection that names something which is not there, or makes no sense. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  constructor(readonly problems: readonly FieldProblem[]) {
    super(problems.map(({ field, reason }) => `${field} ${reason}`).join('; '));
  }
}

/** One end, or one of several that a name may lead to. */
interface End {
  readonly pod: ManifestPod | undefined;
  /** Undefined if it is not known. */
  readonly address: Uint8Array | undefined;
  /** The port at this end, where the name of a service led to it. */
  readonly port: number | undefined;
}

interface Asked {
  readonly from: readonly End[];
  readonly to: readonly End[];
  readonly protocol: number;
  readonly port: number | string | undefined;
  readonly sourcePort: number;
  readonly notes: readonly string[];
}

const FIELDS = ['from', 'to', 'protocol', 'port', 'sourcePort', 'icmpType', 'icmpCode'];

const UNKNOWN_DIRECTION: DirectionResult = { verdict: 'unknown', trace: [] };

/**
 * Evaluates a connection `{from, to, protocol, port, sourcePort?, icmpType?, icmpCode?}`: ends are `namespace/pod`
 * or an address, the destination also a domain name of the known DNS answers.
 * @throws ConnectionError if the connection cannot be read, or names what the cluster does not have.
 */
export function evaluateNamed(cluster: ManifestCluster, connection: unknown): ConnectionReport {
  const problems: FieldProblem[] = [];
  const asked = readConnection(cluster, new Fields(connection, '', problems));
  if (problems.length > 0) throw new ConnectionError(problems);
  const notes = [...asked.notes, ...notesOnEnds(cluster, [...asked.from, ...asked.to])];
  const finished = [...asked.from, ...asked.to].find(({ pod }) => pod?.finished)?.pod;
  if (finished) return undecided(`pod ${nameOf(finished)} has finished: it is no end of connections`, notes);
  const pairs = asked.from.flatMap((from) => asked.to.map((to) => ({ from, to }))).filter(oneFamily);
  const results = pairs.map(({ from, to }) => evaluatePair(cluster, from, to, asked));
  const [first] = results;
  if (!first) return undecided('the two ends have no address family in common, or no endpoint', notes);
  return combined(first, results, pairs, notes);
}

function readConnection(cluster: ManifestCluster, fields: Fields): Asked {
  const unread = fields.names().filter((name) => !FIELDS.includes(name));
  const notes = unread.map((name) => `the field ${name} was not looked at`);
  const given = fields.numberOrText('protocol') ?? '';
  const protocol = protocolNumber(given) ?? 0;
  if (protocol === 0)
    fields.problem('protocol', `"${given}" is not a protocol name, nor a number from 1 to 255`);
  const port = fields.numberOrText('port');
  if (hasPorts(protocol)) {
    if (port === undefined) fields.problem('port', `is missing, which ${protocolName(protocol)} needs`);
    if (typeof port === 'number') fields.integer('port', 0, 65_535);
  }
  const from = resolveEnd(cluster, fields, 'from', protocol, undefined, notes);
  const to = resolveEnd(cluster, fields, 'to', protocol, port, notes);
  const sourcePort = fields.integer('sourcePort', 0, 65_535) ?? UNKNOWN_PORT;
  if (!isIcmp(protocol))
    return { from, to, protocol, port: hasPorts(protocol) ? port : 0, sourcePort, notes };
  const type = fields.integer('icmpType', 0, 255);
  const code = fields.integer('icmpCode', 0, 255);
  if (type !== undefined && code === undefined) notes.push('icmpCode is not given: taken as 0');
  return {
    from,
    to,
    protocol,
    port: type === undefined ? UNKNOWN_PORT : type * 256 + (code ?? 0),
    sourcePort,
    notes,
  };
}

function resolveEnd(
  cluster: ManifestCluster,
  fields: Fields,
  name: 'from' | 'to',
  protocol: number,
  port: number | string | undefined,
  notes: string[],
): End[] {
  const text = fields.requiredText(name);
  if (text === '') return [];
  if (text.includes('/')) {
    const pod = cluster.pods.get(text);
    if (pod) return podEnds(cluster, pod);
    fields.problem(name, `names the pod ${text}, which is not in the manifests`);
    return [];
  }
  const address = asAddress(text);
  if (address) {
    const behind = name === 'to' && behindService(cluster, address, protocol, port, notes);
    return behind || [endAt(cluster, address)];
  }
  const answers = name === 'to' ? cluster.dns?.get(text) : undefined;
  if (answers && answers.length > 0) return answers.map((answer) => endAt(cluster, answer));
  fields.problem(
    name,
    name === 'to'
      ? `"${text}" is no namespace/pod, no address, and no domain name with known addresses`
      : `"${text}" is no namespace/pod and no address`,
  );
  return [];
}

function podEnds(cluster: ManifestCluster, pod: ManifestPod): End[] {
  const addresses =
    pod.addresses.length > 0 || !pod.hostNetwork ? pod.addresses : nodeAddresses(cluster, pod.node);
  if (addresses.length === 0) return [{ pod, address: undefined, port: undefined }];
  return addresses.map((address) => ({ pod, address, port: undefined }));
}

function nodeAddresses({ nodesByAddress }: ManifestCluster, node: string): Uint8Array[] {
  return [...nodesByAddress].filter(([, name]) => name === node).map(([address]) => parseAddress(address));
}

function endAt(cluster: ManifestCluster, address: Uint8Array): End {
  return { pod: cluster.podsByAddress.get(formatAddress(address)), address, port: undefined };
}

/** The endpoints that a service's address is translated to, before any policy sees the connection. */
function behindService(
  cluster: ManifestCluster,
  address: Uint8Array,
  protocol: number,
  port: number | string | undefined,
  notes: string[],
): End[] | undefined {
  const backends = cluster.servicesByAddress.get(formatAddress(address));
  if (!backends) return undefined;
  const { service, endpoints } = backends;
  const servicePort = service.ports.find(
    (candidate) => candidate.protocol === protocol && (candidate.port === port || candidate.name === port),
  );
  const name = `service ${service.namespace}/${service.name}`;
  const ends = (endpoints ?? [])
    .filter((endpoint) => endpoint.protocol === protocol && endpoint.portName === servicePort?.name)
    .map((endpoint) => ({ ...endAt(cluster, endpoint.address), port: endpoint.port }));
  notes.push(
    ends.length > 0
      ? `${formatAddress(address)} is ${name}: policies see the endpoints behind it`
      : `${formatAddress(address)} is ${name}, of which no endpoint for the port is known`,
  );
  return ends;
}

/** What is not known of the pods at the ends, and policies of their nodes that are not evaluated. */
function notesOnEnds({ evaluator, missingNamespaces }: ManifestCluster, ends: readonly End[]): string[] {
  const pods = [...new Set(ends.map(({ pod }) => pod).filter((pod) => pod !== undefined))];
  const namespaces = new Set(pods.map(({ namespace }) => namespace));
  const nodes = new Set(pods.map(({ node }) => node));
  return [
    ...missingNamespaces
      .filter((name) => namespaces.has(name))
      .map((name) => `namespace ${name} is not in the manifests: no label of it is known but its name`),
    ...[...nodes].flatMap((node) =>
      evaluator
        .forwardPolicies(node)
        .map(
          ({ host, policy }) =>
            `${policy} of host endpoint ${host} on what node ${node} forwards is not evaluated`,
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

function oneFamily({ from, to }: { from: End; to: End }): boolean {
  return !from.address || !to.address || familyOf(from.address) === familyOf(to.address);
}

function evaluatePair(
  { evaluator, nodesByAddress }: ManifestCluster,
  from: End,
  to: End,
  asked: Asked,
): PolicyResult {
  const identify = ({ pod, address }: End) =>
    evaluator.identify(address, 0, pod && !pod.hostNetwork ? pod : undefined);
  const nodeOf = ({ pod, address }: End) =>
    pod?.hostNetwork ? pod.node : address && !pod ? (nodesByAddress.get(formatAddress(address)) ?? '') : '';
  const number = evaluator.evaluate(
    identify(from),
    identify(to),
    asked.protocol,
    to.port ?? portNumber(asked.port, asked.protocol, to),
    asked.sourcePort,
    relationOf(from, to, nodeOf(from)),
  );
  return evaluator.result(number);
}

function relationOf(from: End, to: End, sourceNode: string): Relation {
  const samePod = from.pod !== undefined && from.pod === to.pod;
  const sameAddress = from.address && to.address && formatAddress(from.address) === formatAddress(to.address);
  if (samePod || sameAddress) return SELF;
  const own = to.pod && !to.pod.hostNetwork && to.pod.node === sourceNode && sourceNode !== '';
  return own ? FROM_OWN_NODE : UNRELATED;
}

function portNumber(port: number | string | undefined, protocol: number, to: End): number {
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

/** The first result, unless a name led to several endpoints some of which get a different verdict. */
function combined(
  first: PolicyResult,
  all: readonly PolicyResult[],
  pairs: readonly { from: End; to: End }[],
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
  const address = (at: number) => {
    const end = pairs[at]?.to.address;
    return end ? formatAddress(end) : 'an unknown address';
  };
  const difference = `${address(0)}: ${verdict}, ${address(other)}: ${differing.verdict}`;
  // A pod's further addresses are another family's; the first one stands for the pod.
  if (pairs[0]?.to.pod && pairs[0].to.pod === pairs[other]?.to.pod)
    return report([`by destination, ${difference}`]);
  return undecided(`it depends on which address is taken: ${difference}`, notes);
}

function undecided(note: string, notes: readonly string[]): ConnectionReport {
  const unknown = { verdict: 'unknown' as const, egress: UNKNOWN_DIRECTION, ingress: UNKNOWN_DIRECTION };
  return { ...unknown, pending: unknown, notes: [...notes, note] };
}

function nameOf({ namespace, name }: ManifestPod): string {
  return `${namespace}/${name}`;
}
