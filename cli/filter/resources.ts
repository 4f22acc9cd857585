import { nearestNames } from '@sonde/model/filter/nearest-names';
import type { RecordKind } from '../client/records.js';
import { CommandLineError } from './errors.js';

/** How resources are named on either side of a flow, by kubectl's names of their kinds. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  name: ['pod', 'pods', 'po', 'node', 'nodes', 'no'],
  namespace: ['namespace', 'namespaces', 'ns'],
  workload: [
    ...['deployment', 'deployments', 'deploy', 'statefulset', 'statefulsets', 'sts', 'job', 'jobs'],
    ...['daemonset', 'daemonsets', 'ds', 'replicaset', 'replicasets', 'rs', 'cronjob', 'cronjobs', 'cj'],
  ],
  service: ['service', 'services', 'svc'],
};

const MEMBER_OF: ReadonlyMap<string, string> = new Map(
  Object.entries(MEMBERS).flatMap(([member, kinds]) => kinds.map((kind) => [kind, member] as const)),
);

/**
 * The condition for a resource as kubectl names it: `pod/web-0`, `deploy/web`, `svc/web`, `ns/shop`; with its namespace
 * as `pod/shop/web-0`; or as the tables show it, `shop/web`, which is a workload or a pod.
 * @throws CommandLineError if it is not of these forms.
 */
export function resourceCondition(term: string, kind: RecordKind): string {
  const parts = term.split('/');
  const [first = '', second = '', third, ...more] = parts;
  if (more.length > 0 || parts.includes('')) {
    throw new CommandLineError(
      `"${term}" is no resource: write KIND/NAME, KIND/NAMESPACE/NAME or NAMESPACE/NAME`,
    );
  }
  const member = MEMBER_OF.get(first);
  if (third === undefined && member === undefined) {
    return onEitherSide(
      `namespace == ${quoted(first)} && (workload == ${quoted(second)} || name == ${quoted(second)})`,
      kind,
    );
  }
  if (member === undefined) {
    const near = nearestNames(first, [...MEMBER_OF.keys()]);
    throw new CommandLineError(
      `there is no kind "${first}"${near.length > 0 ? `: did you mean ${near.join(' or ')}?` : ''}`,
    );
  }
  const [namespace, name] = third === undefined ? [undefined, second] : [second, third];
  if (member === 'service') return serviceCondition(namespace, name, kind);
  const own = `${member} == ${quoted(name)}`;
  return onEitherSide(namespace === undefined ? own : `namespace == ${quoted(namespace)} && ${own}`, kind);
}

/** Flows name the service that a client addressed. */
function serviceCondition(namespace: string | undefined, name: string, kind: RecordKind): string {
  if (kind === 'dns') throw new CommandLineError('DNS lookups have no services');
  const own = `dst.service == ${quoted(name)}`;
  return namespace === undefined ? own : `(dst.service_namespace == ${quoted(namespace)} && ${own})`;
}

/** Lookups know their client only. */
function onEitherSide(text: string, kind: RecordKind): string {
  if (kind === 'flows') return `either(${text})`;
  return `(${text.replace(/\b(namespace|workload|name) ==/g, 'src.$1 ==')})`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
