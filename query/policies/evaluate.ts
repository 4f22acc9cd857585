import { formatAddress } from '@sonde/model/net/address';
import { type ApplicablePolicy, applicablePolicies } from '@sonde/model/policy/applicable-policies';
import { SELF, UNRELATED } from '@sonde/model/policy/evaluate/connection';
import type { ConnectionReport } from '@sonde/model/policy/manifests/connection';
import type { FlowEndpoint } from '@sonde/model/policy/preview/flow-identity';
import { UNKNOWN_SOURCE_PORT, addDomainAnswers, addPods } from '@sonde/model/policy/preview/evaluate-flows';
import {
  evaluateDistinctConnections,
  distinctConnections,
} from '@sonde/model/policy/preview/connection-query';
import { type PolicySnapshot, createPolicySnapshot } from '@sonde/model/policy/preview/snapshot';
import { hasPorts, isIcmp, protocolNumber } from '@sonde/model/net/protocol';
import { runCooperatively } from '../limits/cooperative-task.js';
import { invalidQuery, type ParameterError, QueryError } from '../errors.js';
import type { QueryContext } from '../context/query-context.js';
import type { TimeRange } from '../time-range.js';
import { type KnownEnds, knownEnds, type NamedEnd, readNamedEnd, serviceEnds } from './named-ends.js';
import { objectsAt } from './objects.js';
import { namespacesOfServices, podsBehindServices } from './pods-behind-services.js';

/** Ends that the connections of a request may stand for, each of which the answer lists. */
const MAX_ENDS = 50_000;

/** Pairs of ends that are evaluated for a request. */
const MAX_PAIRS = 100_000;

/** A connection as it is asked about. */
export interface ConnectionQuestion {
  /** As `readNamedEnd` reads it. */
  readonly from: string;
  readonly to: string;
  /** By name or number. */
  readonly protocol: string;
  readonly port?: number;
  readonly sourcePort?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
}

/** What policies say of a connection, and who its ends were taken for. */
export interface EvaluatedConnection {
  readonly question: ConnectionQuestion;
  readonly from: readonly FlowEndpoint[];
  readonly to: readonly FlowEndpoint[];
  readonly report: ConnectionReport;
}

/**
 * What the policies that held at the end of a time range say of connections, whether there were such or not. Who their
 * ends are is what flows of the range tell.
 * @throws QueryError SONDE_INVALID_PARAMETER that names each end that nothing is known of, and whatever else is wrong.
 */
export async function evaluateConnections(
  context: QueryContext,
  cluster: string,
  range: TimeRange,
  questions: readonly ConnectionQuestion[],
): Promise<EvaluatedConnection[]> {
  const world = createPolicySnapshot(await objectsAt(context, cluster, range.to));
  const named = questions.map((question) => ({
    question,
    from: readNamedEnd(question.from),
    to: readNamedEnd(question.to),
  }));
  const known = await knownEnds(
    ...([context, cluster, range] as const),
    named.flatMap(({ from, to }) => [from, to]),
  );
  const errors: ParameterError[] = [];
  const asked = named.map(({ question, from, to }, index) => {
    const at = `connections/${index}`;
    return {
      question,
      from: resolved(world, known, from, `${at}/from`, errors),
      to: resolved(world, known, to, `${at}/to`, errors),
      service: readService(question, at, errors),
      isOne: from.is === 'address' && to.is === 'address' && question.from === question.to,
    };
  });
  if (errors.length > 0) throw invalidQuery(errors);
  const ends = asked.reduce((sum, { from, to }) => sum + from.length + to.length, 0);
  if (ends > MAX_ENDS) throw tooMuch(`stand for ${ends} ends, and may stand for ${MAX_ENDS}`);
  const flows = asked.flatMap(({ to, service }) => to.map((dst) => ({ dst, ...service })));
  const namespaces = namespacesOfServices([world], flows);
  addPods(world, await podsBehindServices(context, cluster, range, namespaces));
  addDomainAnswers(
    world,
    [...known.domains].flatMap(([domain, addresses]) =>
      addresses.map((address) => ({ domain, dst: external(address) })),
    ),
  );
  const reaches = asked.map(({ from, to, service, isOne }) =>
    distinctConnections(world, { from, to, ...service, relation: isOne ? SELF : UNRELATED }),
  );
  const pairs = reaches.reduce((sum, reach) => sum + reach.pairs, 0);
  if (pairs > MAX_PAIRS) {
    throw tooMuch(`have ${pairs} pairs of ends that policies may tell apart, and may have ${MAX_PAIRS}`);
  }
  const isPartial = context.access.namespaces('view') !== 'all';
  const evaluated: EvaluatedConnection[] = [];
  for (const [index, { question, from, to }] of asked.entries()) {
    const reach = reaches[index];
    if (!reach) continue;
    const report = await runCooperatively(evaluateDistinctConnections(world, reach), context.signal);
    const notes = [...report.notes, ...(isPartial ? [PARTIAL] : [])];
    evaluated.push({ question, from, to, report: { ...report, notes } });
  }
  return evaluated;
}

function tooMuch(what: string): QueryError {
  return invalidQuery([
    {
      parameter: 'connections',
      reason: `they ${what} in one request: ask about fewer at a time, or for a shorter time range`,
    },
  ]);
}

const PARTIAL = 'policies of other namespaces and of none are not counted, for you may not see them';

/** The policies that apply to each kind of pod that a name stands for. @throws QueryError SONDE_NOT_FOUND if it stands for none. */
export async function policiesApplying(
  context: QueryContext,
  cluster: string,
  range: TimeRange,
  name: string,
): Promise<{ readonly end: FlowEndpoint; readonly applying: readonly ApplicablePolicy[] }[]> {
  const { byName } = await knownEnds(context, cluster, range, [{ is: 'workload', name }]);
  const ends = byName.get(name);
  if (!ends) throw new QueryError('SONDE_NOT_FOUND', UNKNOWN_NAME);
  const world = createPolicySnapshot(await objectsAt(context, cluster, range.to));
  // Addresses of both families, and pods that carry on one another's work, are governed alike.
  const kinds = new Map(ends.map((end) => [`${end.kind} ${end.labels} ${end.serviceAccount}`, end] as const));
  return [...kinds.values()].map((end) => {
    const pod = end.kind === 'pod' ? world.pods.of(end) : undefined;
    return {
      end,
      applying: applicablePolicies(world.evaluator, world.evaluator.identify(end.address, 0, pod)),
    };
  });
}

function resolved(
  world: PolicySnapshot,
  known: KnownEnds,
  end: NamedEnd,
  parameter: string,
  errors: ParameterError[],
): readonly FlowEndpoint[] {
  const found = endsOf(world, known, end);
  if (typeof found !== 'string') return found;
  errors.push({ parameter, reason: found });
  return [];
}

/** Who is meant, or why nobody is. */
function endsOf(world: PolicySnapshot, known: KnownEnds, end: NamedEnd): readonly FlowEndpoint[] | string {
  switch (end.is) {
    case 'workload': {
      const found = known.byName.get(end.name) ?? serviceEnds(world, end.name);
      return found.length > 0 ? found : UNKNOWN_NAME;
    }
    case 'service': {
      const found = serviceEnds(world, end.name);
      return found.length > 0
        ? found
        : 'there is no service of this name that selects pods and has an address';
    }
    case 'address': {
      const holder = known.byAddress.get(formatAddress(end.address));
      if (holder && ['pod', 'host_network_pod'].includes(holder.kind) && holder.namespace === '') {
        return 'is the address of a pod in a namespace that you may not see';
      }
      return [holder ?? addressEnd(world, end.address)];
    }
    case 'domain': {
      const addresses = known.domains.get(end.domain) ?? [];
      if (addresses.length > 0) return addresses.map(external);
      return 'it is no namespace/workload, no address, and no domain name that was looked up in the time range';
    }
  }
}

const UNKNOWN_NAME = 'no flow of the time range tells of a workload or pod of this name';

function addressEnd({ services, backends }: PolicySnapshot, address: Uint8Array): FlowEndpoint {
  return (services.at(address) ?? backends.get(formatAddress(address)))
    ? { ...external(address), kind: 'service' }
    : external(address);
}

function external(address: Uint8Array): FlowEndpoint {
  return { kind: 'external', namespace: '', labels: '', serviceAccount: '', address };
}

/** Protocol and ports as the evaluator wants them. */
function readService(question: ConnectionQuestion, at: string, errors: ParameterError[]) {
  const { port, sourcePort = UNKNOWN_SOURCE_PORT, icmpType, icmpCode = 0 } = question;
  const protocol = protocolNumber(question.protocol) ?? 0;
  if (protocol === 0) {
    errors.push({
      parameter: `${at}/protocol`,
      reason: 'is not a protocol name, nor a number from 1 to 255',
    });
  }
  if (isIcmp(protocol)) {
    return {
      protocol,
      port: icmpType === undefined ? UNKNOWN_SOURCE_PORT : icmpType * 256 + icmpCode,
      sourcePort,
    };
  }
  if (!hasPorts(protocol)) return { protocol, port: 0, sourcePort };
  if (port === undefined) errors.push({ parameter: `${at}/port`, reason: 'is needed for this protocol' });
  return { protocol, port: port ?? 0, sourcePort };
}
