import type { KubernetesObject } from '@sonde/model/cluster/objects';
import {
  type FlowVerdict,
  type PolicyView,
  addDomainAnswers,
  addPods,
} from '@sonde/model/policy/preview/evaluate-flows';
import { type ChangedFlow, previewFlows } from '@sonde/model/policy/preview/preview';
import {
  changedObjects,
  type PolicySnapshot,
  createPolicySnapshot,
} from '@sonde/model/policy/preview/snapshot';
import { setImmediate as breath } from 'node:timers/promises';
import { invalidQuery } from '../errors.js';
import type { RecordQuery } from '../records/record-query.js';
import type { QueryContext } from '../context/query-context.js';
import { type FlowGroup, flowIdentities, type NotJudged } from './flow-identities.js';
import { currentObjects } from './objects.js';
import { namespacesOfServices, podsBehindServices } from './pods-behind-services.js';

export interface PreviewRequest {
  readonly cluster: string;
  readonly question: RecordQuery;
  readonly apply: readonly KubernetesObject[];
  readonly remove: readonly ObjectToRemove[];
  /** Whether staged policies count as enforced after the change. */
  readonly view: PolicyView;
}

export interface ObjectToRemove {
  readonly apiVersion?: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

export interface Preview {
  readonly changed: readonly ChangedFlow<FlowGroup>[];
  /** Flows that were evaluated, and identities that they came down to. */
  readonly flows: number;
  readonly identities: number;
  readonly notJudged: readonly NotJudged[];
  /** Objects of the cluster that cannot be used, and so count as absent. */
  readonly problems: readonly { readonly object: KubernetesObject; readonly reason: string }[];
}

/** Identities that are evaluated in one go, before other requests have their turn. */
const AT_ONCE = 2000;

/**
 * Evaluates flows by the policies of now and by those after a change, and returns those that would get a different verdict.
 * @throws QueryError SONDE_INVALID_PARAMETER if something is to be removed that is not there.
 */
export async function previewPolicies(context: QueryContext, asked: PreviewRequest): Promise<Preview> {
  const current = await currentObjects(context, asked.cluster);
  const change = { apply: asked.apply, remove: objectsToRemove(current, asked.remove) };
  const before = createPolicySnapshot(current);
  const after = createPolicySnapshot(changedObjects(current, change).objects);
  const { groups, notJudged } = await flowIdentities(context, asked.cluster, asked.question, [before, after]);
  const worlds = [before, after];
  const pods = await podsBehindServices(
    context,
    asked.cluster,
    asked.question.range,
    namespacesOfServices(worlds, groups),
  );
  for (const world of worlds) {
    addDomainAnswers(world, groups);
    addPods(world, pods);
  }
  const changed: ChangedFlow<FlowGroup>[] = [];
  const open = new Map<string, number>();
  for (let at = 0; at < groups.length; at += AT_ONCE) {
    const some = previewFlows(before, after, groups.slice(at, at + AT_ONCE), asked.view);
    changed.push(...some.changed);
    for (const { flow, reason } of some.notEvaluated) open.set(reason, (open.get(reason) ?? 0) + flow.flows);
    await breath();
    context.signal.throwIfAborted();
  }
  return {
    changed: together(changed),
    flows:
      groups.reduce((sum, { flows }) => sum + flows, 0) -
      [...open.values()].reduce((sum, flows) => sum + flows, 0),
    identities: groups.length,
    notJudged: [...notJudged, ...[...open].map(([reason, flows]) => ({ reason, flows }))],
    problems: problemsOf(before),
  };
}

/** Finds the objects that are to be removed. Calico's `NetworkPolicy` and that of Kubernetes may have one name. */
function objectsToRemove(
  objects: readonly KubernetesObject[],
  named: readonly ObjectToRemove[],
): KubernetesObject[] {
  const found = named.map((one) =>
    objects.filter(
      ({ apiVersion, kind, metadata }) =>
        kind === one.kind &&
        metadata.name === one.name &&
        (metadata.namespace ?? '') === (one.namespace ?? '') &&
        (one.apiVersion === undefined || one.apiVersion === apiVersion),
    ),
  );
  const errors = found.flatMap((objects, index) => {
    const parameter = `remove/${index}`;
    if (objects.length === 1) return [];
    if (objects.length === 0) return [{ parameter, reason: 'there is no such object' }];
    const versions = objects.map(({ apiVersion }) => apiVersion).join(', ');
    return [{ parameter, reason: `there are several; give the apiVersion: ${versions}` }];
  });
  if (errors.length > 0) throw invalidQuery(errors);
  return found.flat();
}

function problemsOf({ objects, problems }: PolicySnapshot): Preview['problems'] {
  return problems.flatMap(({ object: index, field, reason }) => {
    const object = objects[index];
    return object ? [{ object, reason: `${field} ${reason}` }] : [];
  });
}

/** Puts together what differs in nothing that an answer shows, the most flows first. */
function together(changed: readonly ChangedFlow<FlowGroup>[]): ChangedFlow<FlowGroup>[] {
  const merged = new Map<string, ChangedFlow<FlowGroup>>();
  for (const one of changed) {
    const key = shownAs(one);
    const other = merged.get(key);
    merged.set(key, other ? { ...one, flow: sum(one.flow, other.flow) } : one);
  }
  // Those of as many flows are in an order too, so that the same question has the same answer.
  return [...merged]
    .sort(([keyA, a], [keyB, b]) => b.flow.flows - a.flow.flows || (keyA < keyB ? -1 : 1))
    .map(([, one]) => one);
}

function shownAs({ flow, before, after }: ChangedFlow<FlowGroup>): string {
  const { src, dst, srcWorkload, dstWorkload, domain, protocol, port } = flow;
  const evaluated = ({ verdict, policies }: FlowVerdict) => `${verdict} ${policies}`;
  const ends = [src.kind, src.namespace, srcWorkload, dst.kind, dst.namespace, dstWorkload, domain];
  return JSON.stringify([...ends, protocol, port, evaluated(before), evaluated(after)]);
}

function sum(one: FlowGroup, other: FlowGroup): FlowGroup {
  const latest = one.lastMs >= other.lastMs ? one : other;
  return {
    ...latest,
    flows: one.flows + other.flows,
    connections: one.connections + other.connections,
    bytes: one.bytes + other.bytes,
    firstMs: Math.min(one.firstMs, other.firstMs),
    lastMs: latest.lastMs,
  };
}
