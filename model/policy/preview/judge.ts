import { NOT_KNOWN } from '../evaluate/match.js';
import { type Relation } from '../evaluate/connection.js';
import type { Verdict } from '../evaluate/walk.js';
import type { PolicyPod } from '../cluster.js';
import type { PolicyWorld } from './world.js';

/** What policies may tell of one end of a flow, as flows tell it. */
export interface FlowEnd {
  /** As in the flow record. A pod on its node's network is for policies the node. */
  readonly kind: 'external' | 'pod' | 'node' | 'host_network_pod' | 'service' | 'network_set';
  readonly namespace: string;
  /** Sorted `k=v` pairs with commas between. */
  readonly labels: string;
  readonly serviceAccount: string;
  /** 16 bytes. */
  readonly address: Uint8Array;
}

/** Flows that no policy can tell apart. */
export interface FlowIdentity {
  readonly src: FlowEnd;
  readonly dst: FlowEnd;
  readonly protocol: number;
  /** The server's port; of ICMP type × 256 + code. */
  readonly port: number;
  /** The client's port, or -1 where it is not told. */
  readonly sourcePort: number;
  readonly relation: Relation;
  /** Whether packets went both ways and the connection's beginning was not seen: client and server may be swapped. */
  readonly answered: boolean;
  /** A domain name of the server's address; empty if none is known. */
  readonly domain: string;
}

/** What a world's policies say of flows. */
export interface Judgement {
  readonly verdict: Verdict;
  /** The trace as in the flow record. */
  readonly policies: string;
}

/** Which policies count: those that are enforced, or those and the staged ones as if they were. */
export type PolicyView = 'enforced' | 'pending';

/** What nobody's policies have a say in. */
const UNGOVERNED: Judgement = { verdict: 'unknown', policies: '' };

/**
 * Judges each of some flows by a world's policies, by the rules that flows are judged by as they come
 * (`enricher/policies.ts`). Flows to a service's own address are open: what stood behind it is not known. The domain
 * names of all flows must be told first.
 */
export function judgeFlows(
  world: PolicyWorld,
  flows: readonly FlowIdentity[],
  view: PolicyView,
): Judgement[] {
  return flows.map((flow) => judge(world, flow, view));
}

/** Tells a world what domain names addresses go by. Each may change what policies tell of addresses. */
export function tellDomains({ evaluator }: PolicyWorld, flows: readonly FlowIdentity[]): void {
  const addresses = new Map<string, Uint8Array[]>();
  for (const { domain, dst } of flows) {
    if (domain !== '') addresses.set(domain, [...(addresses.get(domain) ?? []), dst.address]);
  }
  evaluator.knowDomains();
  for (const [domain, known] of addresses) evaluator.setDomain(domain, known);
}

function judge(world: PolicyWorld, flow: FlowIdentity, view: PolicyView): Judgement {
  const { src, dst, protocol, port, sourcePort, relation } = flow;
  if (dst.kind === 'service') return UNGOVERNED;
  const { evaluator } = world;
  const source = identify(world, src);
  const destination = identify(world, dst);
  const read = (number: number): Judgement => {
    const result = evaluator.result(number);
    const { verdict, policies } = view === 'enforced' ? result : result.pending;
    return { verdict, policies };
  };
  const said = read(evaluator.evaluate(source, destination, protocol, port, sourcePort, relation));
  if (flow.answered && said.verdict === 'deny') {
    const answers = evaluator.evaluate(destination, source, protocol, sourcePort, port, relation);
    const reverse = read(answers);
    if (reverse.verdict === 'allow') return reverse;
  }
  return src.kind === 'pod' || dst.kind === 'pod' || said.policies !== '' ? said : UNGOVERNED;
}

function identify({ evaluator, portNames }: PolicyWorld, end: FlowEnd): number {
  const pod: PolicyPod | undefined =
    end.kind === 'pod'
      ? {
          namespace: end.namespace,
          labels: parseLabels(end.labels),
          serviceAccount: end.serviceAccount,
          ports: portNames.get(`${end.namespace}/${end.labels}`) ?? [],
        }
      : undefined;
  return evaluator.identify(end.address, 0, pod);
}

/** Labels of their canonical text; neither keys nor values hold commas or equals signs. */
export function parseLabels(text: string): Readonly<Record<string, string>> {
  if (text === '') return {};
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const equals = pair.indexOf('=');
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

/** The source port of flows that tell none. */
export const NO_SOURCE_PORT = NOT_KNOWN;
