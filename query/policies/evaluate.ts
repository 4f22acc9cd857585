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
import {
  type ResolvedNames,
  resolveNames,
  type NamedEndpoint,
  parseNamedEndpoint,
  serviceEndpoints,
} from './named-endpoints.js';
import { objectsAt } from './objects.js';
import { namespacesOfServices, servicePods } from './service-backends.js';

/** Maximum number of endpoints that the names of a request resolve to; the answer lists each. */
const MAX_ENDPOINTS = 50_000;

/** Maximum number of endpoint pairs that are evaluated for a request. */
const MAX_PAIRS = 100_000;

/** A connection between named endpoints. */
export interface NamedConnection {
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

/** The result for a connection, and the endpoints that its names resolved to. */
export interface EvaluatedConnection {
  readonly connection: NamedConnection;
  readonly from: readonly FlowEndpoint[];
  readonly to: readonly FlowEndpoint[];
  readonly report: ConnectionReport;
}

/**
 * Evaluates hypothetical connections against the policies at the end of a time range. Names are resolved by the flows of
 * the range.
 * @throws QueryError SONDE_INVALID_PARAMETER that lists each unknown endpoint and every other problem.
 */
export async function evaluateConnections(
  context: QueryContext,
  cluster: string,
  range: TimeRange,
  connections: readonly NamedConnection[],
): Promise<EvaluatedConnection[]> {
  const snapshot = createPolicySnapshot(await objectsAt(context, cluster, range.to));
  const named = connections.map((connection) => ({
    connection,
    from: parseNamedEndpoint(connection.from),
    to: parseNamedEndpoint(connection.to),
  }));
  const known = await resolveNames(
    ...([context, cluster, range] as const),
    named.flatMap(({ from, to }) => [from, to]),
  );
  const errors: ParameterError[] = [];
  const requested = named.map(({ connection, from, to }, index) => {
    const at = `connections/${index}`;
    return {
      connection,
      from: resolveEndpoint(snapshot, known, from, `${at}/from`, errors),
      to: resolveEndpoint(snapshot, known, to, `${at}/to`, errors),
      service: readProtocolAndPort(connection, at, errors),
      isOne: from.is === 'address' && to.is === 'address' && connection.from === connection.to,
    };
  });
  if (errors.length > 0) throw invalidQuery(errors);
  const ends = requested.reduce((sum, { from, to }) => sum + from.length + to.length, 0);
  if (ends > MAX_ENDPOINTS) throw tooLarge(`resolve to ${ends} endpoints; the limit is ${MAX_ENDPOINTS}`);
  const flows = requested.flatMap(({ to, service }) => to.map((dst) => ({ dst, ...service })));
  const namespaces = namespacesOfServices([snapshot], flows);
  addPods(snapshot, await servicePods(context, cluster, range, namespaces));
  addDomainAnswers(
    snapshot,
    [...known.domains].flatMap(([domain, addresses]) =>
      addresses.map((address) => ({ domain, dst: external(address) })),
    ),
  );
  const distinct = requested.map(({ from, to, service, isOne }) =>
    distinctConnections(snapshot, { from, to, ...service, relation: isOne ? SELF : UNRELATED }),
  );
  const pairs = distinct.reduce((sum, one) => sum + one.pairs, 0);
  if (pairs > MAX_PAIRS) {
    throw tooLarge(`have ${pairs} distinct pairs of endpoints; the limit is ${MAX_PAIRS}`);
  }
  const isPartial = context.access.namespaces('view') !== 'all';
  const evaluated: EvaluatedConnection[] = [];
  for (const [index, { connection, from, to }] of requested.entries()) {
    const pairsOf = distinct[index];
    if (!pairsOf) continue;
    const report = await runCooperatively(evaluateDistinctConnections(snapshot, pairsOf), context.signal);
    const notes = [...report.notes, ...(isPartial ? [PARTIAL] : [])];
    evaluated.push({ connection, from, to, report: { ...report, notes } });
  }
  return evaluated;
}

function tooLarge(what: string): QueryError {
  return invalidQuery([
    {
      parameter: 'connections',
      reason: `they ${what}: request fewer connections at a time, or a shorter time range`,
    },
  ]);
}

const PARTIAL =
  'cluster-scoped policies and policies of other namespaces are ignored, because you may not see them';

/**
 * The policies that apply to each kind of pod that a name resolves to.
 * @throws QueryError SONDE_NOT_FOUND if it resolves to none.
 */
export async function policiesApplying(
  context: QueryContext,
  cluster: string,
  range: TimeRange,
  name: string,
): Promise<{ readonly end: FlowEndpoint; readonly applying: readonly ApplicablePolicy[] }[]> {
  const { byName } = await resolveNames(context, cluster, range, [{ is: 'workload', name }]);
  const ends = byName.get(name);
  if (!ends) throw new QueryError('SONDE_NOT_FOUND', UNKNOWN_NAME);
  const snapshot = createPolicySnapshot(await objectsAt(context, cluster, range.to));
  // Addresses of both families, and replicas, have the same policies.
  const kinds = new Map(ends.map((end) => [`${end.kind} ${end.labels} ${end.serviceAccount}`, end] as const));
  return [...kinds.values()].map((end) => {
    const pod = end.kind === 'pod' ? snapshot.pods.of(end) : undefined;
    return {
      end,
      applying: applicablePolicies(snapshot.evaluator, snapshot.evaluator.identify(end.address, 0, pod)),
    };
  });
}

function resolveEndpoint(
  snapshot: PolicySnapshot,
  known: ResolvedNames,
  end: NamedEndpoint,
  parameter: string,
  errors: ParameterError[],
): readonly FlowEndpoint[] {
  const found = endpointsOf(snapshot, known, end);
  if (typeof found !== 'string') return found;
  errors.push({ parameter, reason: found });
  return [];
}

/** The endpoints of a name, or the reason why there are none. */
function endpointsOf(
  snapshot: PolicySnapshot,
  known: ResolvedNames,
  end: NamedEndpoint,
): readonly FlowEndpoint[] | string {
  switch (end.is) {
    case 'workload': {
      const found = known.byName.get(end.name) ?? serviceEndpoints(snapshot, end.name);
      return found.length > 0 ? found : UNKNOWN_NAME;
    }
    case 'service': {
      const found = serviceEndpoints(snapshot, end.name);
      return found.length > 0 ? found : 'there is no service with this name, a selector and an address';
    }
    case 'address': {
      const holder = known.byAddress.get(formatAddress(end.address));
      if (holder && ['pod', 'host_network_pod'].includes(holder.kind) && holder.namespace === '') {
        return 'is the address of a pod in a namespace that you may not see';
      }
      return [holder ?? addressEndpoint(snapshot, end.address)];
    }
    case 'domain': {
      const addresses = known.domains.get(end.domain) ?? [];
      if (addresses.length > 0) return addresses.map(external);
      return 'is not a namespace/workload, an address, or a domain name that was looked up in the time range';
    }
  }
}

const UNKNOWN_NAME = 'no flow of the time range has a workload or pod of this name';

function addressEndpoint({ services, backends }: PolicySnapshot, address: Uint8Array): FlowEndpoint {
  return (services.at(address) ?? backends.get(formatAddress(address)))
    ? { ...external(address), kind: 'service' }
    : external(address);
}

function external(address: Uint8Array): FlowEndpoint {
  return { kind: 'external', namespace: '', labels: '', serviceAccount: '', address };
}

/** Protocol and ports in the form of the evaluator. */
function readProtocolAndPort(connection: NamedConnection, at: string, errors: ParameterError[]) {
  const { port, sourcePort = UNKNOWN_SOURCE_PORT, icmpType, icmpCode = 0 } = connection;
  const protocol = protocolNumber(connection.protocol) ?? 0;
  if (protocol === 0) {
    errors.push({
      parameter: `${at}/protocol`,
      reason: 'is not a protocol name or a number from 1 to 255',
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
  if (port === undefined) errors.push({ parameter: `${at}/port`, reason: 'is required for this protocol' });
  return { protocol, port: port ?? 0, sourcePort };
}
