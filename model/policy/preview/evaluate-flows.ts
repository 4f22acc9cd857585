import { formatAddress } from '../../net/address.js';
import type { PolicyEvaluator } from '../evaluator.js';
import { evaluateReversed } from '../reversed-connection.js';
import { UNRELATED } from '../evaluate/connection.js';
import { UNKNOWN_PORT } from '../evaluate/match.js';
import type { Verdict } from '../evaluate/trace-rules.js';
import { targetPort } from './services.js';
import type { FlowEndpoint, FlowIdentity } from './flow-identity.js';
import type { PolicySnapshot } from './snapshot.js';

/** What a world's policies say of flows. */
export interface FlowVerdict {
  readonly verdict: Verdict;
  /** The trace as in the flow record. */
  readonly policies: string;
  /** Why policies cannot be asked; undefined if they can. */
  readonly notEvaluated?: string;
}

/** Which policies count: those that are enforced, or those and the staged ones as if they were. */
export type PolicyView = 'enforced' | 'pending';

/** What nobody's policies have a say in. */
const NOT_GOVERNED: FlowVerdict = { verdict: 'unknown', policies: '' };

/** The source port of flows that tell none. */
export const UNKNOWN_SOURCE_PORT = UNKNOWN_PORT;

/**
 * Judges each of some flows by a world's policies, by the rules that flows are judged by as they come
 * (`enricher/policies.ts`). The domain names of all flows must be told first, and for flows to the addresses of
 * services the pods behind them.
 */
export function evaluateFlows(
  world: PolicySnapshot,
  flows: readonly FlowIdentity[],
  view: PolicyView,
): FlowVerdict[] {
  const verdictOf = verdictReader(world.evaluator, view);
  return flows.map((flow) => {
    const results = evaluateFlow(world, flow, view);
    if (typeof results === 'string') return { ...NOT_GOVERNED, notEvaluated: results };
    const [first] = results;
    if (first === undefined) return NOT_GOVERNED;
    if (results.some((result) => verdictOf(result) !== verdictOf(first))) {
      return {
        ...NOT_GOVERNED,
        notEvaluated: 'the pods behind the destination service get different verdicts',
      };
    }
    return read(world.evaluator, first, view);
  });
}

/** Tells a world what domain names addresses go by. Each may change what policies tell of addresses. */
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

/** Tells a world which pods there are, of which some may stand behind services. */
export function addPods({ pods }: PolicySnapshot, ends: readonly FlowEndpoint[]): void {
  for (const end of ends) if (end.kind === 'pod') pods.of(end);
}

/**
 * The numbers of the evaluator's results for a flow: one, or of a flow to a service's address one for each kind of pod
 * behind it; none where no policy has a say. A text says why that is not known.
 */
export function evaluateFlow(
  world: PolicySnapshot,
  flow: FlowIdentity,
  view: PolicyView,
): readonly number[] | string {
  const { src, dst, protocol, port, sourcePort, relation } = flow;
  const { evaluator } = world;
  const source = identify(world, src);
  if (dst.kind === 'service') return evaluateBackends(world, flow, source);
  const destination = identify(world, dst);
  const result = evaluator.evaluate(source, destination, protocol, port, sourcePort, relation);
  const verdictOf = verdictReader(evaluator, view);
  if (flow.answered && verdictOf(result) === 'deny') {
    const ends = [source, destination, protocol, port, sourcePort, relation] as const;
    const answers = evaluateReversed(evaluator, verdictOf, ...ends);
    if (answers !== undefined) return [answers];
  }
  const isGoverned =
    src.kind === 'pod' || dst.kind === 'pod' || read(evaluator, result, view).policies !== '';
  return isGoverned ? [result] : [];
}

function evaluateBackends(
  world: PolicySnapshot,
  flow: FlowIdentity,
  source: number,
): readonly number[] | string {
  const { evaluator, services, pods } = world;
  const { dst, protocol, port, sourcePort } = flow;
  const selecting = services.at(dst.address);
  const backends = selecting ? undefined : world.backends.get(formatAddress(dst.address));
  const service = selecting ?? backends?.service;
  const servicePort = service?.ports.find((one) => one.protocol === protocol && one.port === port);
  if (!servicePort)
    return 'they went to the address of a service of which it is not known what stands behind it';
  const behind = selecting
    ? pods.behind(selecting).map((pod) => ({ address: pod.address, pod, port: targetPort(servicePort, pod) }))
    : (backends?.endpoints ?? [])
        .filter((one) => one.protocol === protocol && one.portName === servicePort.name)
        .map((one) => ({ address: one.address, pod: undefined, port: one.port }));
  const results = behind.flatMap(({ address, pod, port: target }) => {
    if (target === undefined) return [];
    const destination = evaluator.identify(address, 0, pod);
    return evaluator.evaluate(source, destination, protocol, target, sourcePort, UNRELATED);
  });
  return results.length > 0 ? results : 'they went to the address of a service behind which nobody was seen';
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

/** The evaluator's number of an end; the same for ends that no policy of the world tells apart. */
export function identify({ evaluator, pods }: PolicySnapshot, end: FlowEndpoint): number {
  return evaluator.identify(end.address, 0, end.kind === 'pod' ? pods.of(end) : undefined);
}
