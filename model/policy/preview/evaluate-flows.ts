import { formatAddress } from '../../net/address.js';
import type { PolicyEvaluator } from '../evaluator.js';
import { evaluateReversed } from '../reversed-connection.js';
import { UNRELATED } from '../evaluate/connection.js';
import { UNKNOWN_PORT } from '../evaluate/match.js';
import type { Verdict } from '../evaluate/trace-rules.js';
import { isGoverned } from '../flow-conditions.js';
import { targetPort } from '../manifests/kubernetes.js';
import type { FlowEndpoint, FlowIdentity } from './flow-identity.js';
import type { PolicySnapshot } from './snapshot.js';

/** The verdict of a snapshot's policies on a flow. */
export interface FlowVerdict {
  readonly verdict: Verdict;
  /** The trace as in the flow record. */
  readonly policies: string;
  /** Why the flow cannot be evaluated; undefined if it can. */
  readonly notEvaluated?: string;
}

/** Which policies are evaluated: the enforced ones, or also the staged ones as if they were enforced. */
export type PolicyView = 'enforced' | 'pending';

/** The verdict on flows that no policy governs. */
const NOT_GOVERNED: FlowVerdict = { verdict: 'unknown', policies: '' };

/** The source port of flows without a known one. */
export const UNKNOWN_SOURCE_PORT = UNKNOWN_PORT;

/**
 * Evaluates flows against the policies of a snapshot, by the same rules as the enricher evaluates live flows
 * (`enricher/policy/flow-policies.ts`). Add the domain answers of all flows first, and the backends of the services that
 * flows went to.
 */
export function evaluateFlows(
  snapshot: PolicySnapshot,
  flows: readonly FlowIdentity[],
  view: PolicyView,
): FlowVerdict[] {
  const verdictOf = verdictReader(snapshot.evaluator, view);
  return flows.map((flow) => {
    const results = evaluateFlow(snapshot, flow, view);
    if (typeof results === 'string') return { ...NOT_GOVERNED, notEvaluated: results };
    const [first] = results;
    if (first === undefined) return NOT_GOVERNED;
    if (results.some((result) => verdictOf(result) !== verdictOf(first))) {
      return {
        ...NOT_GOVERNED,
        notEvaluated: 'the backends of the destination service have different verdicts',
      };
    }
    return read(snapshot.evaluator, first, view);
  });
}

/** Adds the domain names of the flows' destination addresses to a snapshot. */
export function addDomainAnswers(
  { evaluator }: PolicySnapshot,
  flows: readonly Pick<FlowIdentity, 'domain' | 'dst'>[],
): void {
  const addresses = new Map<string, Uint8Array[]>();
  for (const { domain, dst } of flows) {
    if (domain === '') continue;
    const known = addresses.get(domain);
    if (known) known.push(dst.address);
    else addresses.set(domain, [dst.address]);
  }
  evaluator.markDomainsKnown();
  evaluator.setDomains(addresses);
}

/** Adds the pods among the endpoints to a snapshot, as possible backends of its services. */
export function addPods({ pods }: PolicySnapshot, ends: readonly FlowEndpoint[]): void {
  for (const end of ends) if (end.kind === 'pod') pods.of(end);
}

/**
 * The numbers of the evaluator's results for a flow: one, or for a flow to a service address one for each backend; none if
 * no policy governs the flow. A string is the reason why the flow cannot be evaluated.
 */
export function evaluateFlow(
  snapshot: PolicySnapshot,
  flow: FlowIdentity,
  view: PolicyView,
): readonly number[] | string {
  const { src, dst, protocol, port, sourcePort, relation } = flow;
  const { evaluator } = snapshot;
  const source = identify(snapshot, src);
  if (dst.kind === 'service') return evaluateBackends(snapshot, flow, source);
  const destination = identify(snapshot, dst);
  const result = evaluator.evaluate(source, destination, protocol, port, sourcePort, relation);
  const verdictOf = verdictReader(evaluator, view);
  if (flow.guessed && verdictOf(result) === 'deny') {
    const ends = [source, destination, protocol, port, sourcePort, relation] as const;
    const answers = evaluateReversed(evaluator, verdictOf, ...ends);
    if (answers !== undefined) return [answers];
  }
  const hasTrace = read(evaluator, result, view).policies !== '';
  return isGoverned(src.kind, dst.kind, hasTrace) ? [result] : [];
}

function evaluateBackends(
  snapshot: PolicySnapshot,
  flow: FlowIdentity,
  source: number,
): readonly number[] | string {
  const { evaluator, services, pods } = snapshot;
  const { dst, protocol, port, sourcePort } = flow;
  const selecting = services.at(dst.address);
  const backends = selecting ? undefined : snapshot.backends.get(formatAddress(dst.address));
  const service = selecting ?? backends?.service;
  const servicePort = service?.ports.find((one) => one.protocol === protocol && one.port === port);
  if (!servicePort) return 'they went to the address of a service whose backends are unknown';
  const targets = selecting
    ? pods
        .backendsOf(selecting)
        .map((pod) => ({ address: pod.address, pod, port: targetPort(servicePort, pod) }))
    : (backends?.endpoints ?? [])
        .filter((one) => one.protocol === protocol && one.portName === servicePort.name)
        .map((one) => ({ address: one.address, pod: undefined, port: one.port }));
  const results = targets.flatMap(({ address, pod, port: target }) => {
    if (target === undefined) return [];
    const destination = evaluator.identify(address, 0, pod);
    return evaluator.evaluate(source, destination, protocol, target, sourcePort, UNRELATED);
  });
  return results.length > 0 ? results : 'they went to the address of a service for which no backend was seen';
}

function verdictReader(evaluator: PolicyEvaluator, view: PolicyView): (result: number) => Verdict {
  return view === 'enforced'
    ? (result) => evaluator.verdict(result)
    : (result) => read(evaluator, result, view).verdict;
}

function read(evaluator: PolicyEvaluator, number: number, view: PolicyView): FlowVerdict {
  const result = evaluator.result(number);
  const { verdict, policies } = view === 'enforced' ? result : result.pending;
  return { verdict, policies };
}

/** The evaluator's identity of an endpoint; the same for endpoints that no policy of the snapshot distinguishes. */
export function identify({ evaluator, pods }: PolicySnapshot, end: FlowEndpoint): number {
  return evaluator.identify(end.address, 0, end.kind === 'pod' ? pods.of(end) : undefined);
}
