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
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { invalidQuery } from '../errors.js';
import type { RecordQuery } from '../records/record-query.js';
import type { QueryContext } from '../context/query-context.js';
import { type FlowGroup, flowIdentities, type NotEvaluated } from './flow-identities.js';
import { currentObjects } from './objects.js';
import { namespacesOfServices, servicePods } from './service-backends.js';

export interface PreviewRequest {
  readonly cluster: string;
  readonly query: RecordQuery;
  readonly apply: readonly KubernetesObject[];
  readonly remove: readonly ObjectToRemove[];
  /** Whether staged policies are evaluated as if they were enforced after the change. */
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
  /** Number of evaluated flows, and of their distinct identities. */
  readonly flows: number;
  readonly identities: number;
  readonly notEvaluated: readonly NotEvaluated[];
  /** Objects of the cluster that are invalid and therefore ignored. */
  readonly problems: readonly { readonly object: KubernetesObject; readonly reason: string }[];
}

/** Identities that are evaluated before yielding to other requests. */
const IDENTITIES_PER_YIELD = 2000;

/**
 * Evaluates flows against the current policies and against those after a change, and returns the flows whose verdict differs.
 * @throws QueryError SONDE_INVALID_PARAMETER if an object to remove does not exist.
 */
export async function previewPolicies(context: QueryContext, request: PreviewRequest): Promise<Preview> {
  const current = await currentObjects(context, request.cluster);
  const change = { apply: request.apply, remove: objectsToRemove(current, request.remove) };
  const before = createPolicySnapshot(current);
  const after = createPolicySnapshot(changedObjects(current, change).objects);
  const { groups, notEvaluated } = await flowIdentities(context, request.cluster, request.query, [
    before,
    after,
  ]);
  const snapshots = [before, after];
  const pods = await servicePods(
    context,
    request.cluster,
    request.query.range,
    namespacesOfServices(snapshots, groups),
  );
  for (const snapshot of snapshots) {
    addDomainAnswers(snapshot, groups);
    addPods(snapshot, pods);
  }
  const changed: ChangedFlow<FlowGroup>[] = [];
  const undecided = new Map<string, number>();
  for (let at = 0; at < groups.length; at += IDENTITIES_PER_YIELD) {
    const some = previewFlows(before, after, groups.slice(at, at + IDENTITIES_PER_YIELD), request.view);
    changed.push(...some.changed);
    for (const { flow, reason } of some.notEvaluated)
      undecided.set(reason, (undecided.get(reason) ?? 0) + flow.flows);
    await yieldToEventLoop();
    context.signal.throwIfAborted();
  }
  return {
    changed: merged(changed),
    flows:
      groups.reduce((sum, { flows }) => sum + flows, 0) -
      [...undecided.values()].reduce((sum, flows) => sum + flows, 0),
    identities: groups.length,
    notEvaluated: [...notEvaluated, ...[...undecided].map(([reason, flows]) => ({ reason, flows }))],
    problems: problemsOf(before),
  };
}

/** Finds the objects to remove. A Calico and a Kubernetes `NetworkPolicy` may have the same name. */
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
    if (objects.length === 0) return [{ parameter, reason: 'the object does not exist' }];
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

/** Merges flows that look the same in the answer, the most flows first. */
function merged(changed: readonly ChangedFlow<FlowGroup>[]): ChangedFlow<FlowGroup>[] {
  const groups = new Map<string, ChangedFlow<FlowGroup>>();
  for (const one of changed) {
    const key = displayKey(one);
    const other = groups.get(key);
    groups.set(key, other ? { ...one, flow: sum(one.flow, other.flow) } : one);
  }
  // A total order, so that equal queries have equal answers.
  return [...groups]
    .sort(([keyA, a], [keyB, b]) => b.flow.flows - a.flow.flows || (keyA < keyB ? -1 : 1))
    .map(([, one]) => one);
}

function displayKey({ flow, before, after }: ChangedFlow<FlowGroup>): string {
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
