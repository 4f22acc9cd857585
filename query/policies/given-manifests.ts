import { parseManifests, readObjects } from '@sonde/backbone/manifests/read';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { affectsPolicies, manifestText } from '@sonde/model/policy/history/object-version';
import { createPolicySnapshot } from '@sonde/model/policy/preview/snapshot';
import { invalidQuery, type ParameterError } from '../errors.js';

/** Manifests of a request: as YAML or JSON text, and as objects. */
export interface GivenManifests {
  readonly manifests: string;
  readonly apply: readonly unknown[];
}

/** Limits of a document: some thousand policies. Larger ones would block other requests for too long. */
const PARSE_LIMITS = { maxTokens: 100_000 };

/** Maximum number of errors in an answer. */
const MAX_ERRORS = 100;

/**
 * Reads the manifests of a request: policies and objects that they depend on. Yields to other requests.
 * @throws QueryError SONDE_INVALID_PARAMETER with the first hundred problems.
 */
export async function readGivenManifests(
  { manifests, apply }: GivenManifests,
  signal: AbortSignal,
): Promise<KubernetesObject[]> {
  const read = [
    await parseManifests(manifests, 'manifests', { ...PARSE_LIMITS, signal }),
    ...apply.map((object, index) => readObjects(object, `apply/${index}`, 1)),
  ];
  refuse(
    read.flatMap(({ problems }) =>
      problems.map(({ file, line, reason }) => ({ parameter: file, reason: `line ${line}: ${reason}` })),
    ),
  );
  const given = read.flatMap(({ objects }) => objects);
  const errors: ParameterError[] = [];
  for (const { object, file } of given) {
    const { kind, apiVersion } = object;
    if (affectsPolicies(object)) continue;
    errors.push({
      parameter: file,
      reason: `${nameOf(object)}: policies do not depend on ${kind} of ${apiVersion}`,
    });
  }
  refuse(errors);
  const objects = given.map(({ object }) => withNamespace(object));
  for (const { object: index, field, reason } of createPolicySnapshot(objects).problems) {
    const [one, from] = [objects[index], given[index]];
    if (one && from) errors.push({ parameter: from.file, reason: `${nameOf(one)}: ${field} ${reason}` });
  }
  refuse(errors);
  // In the form of the policy history.
  return objects.map((object) => JSON.parse(manifestText(object)) as KubernetesObject);
}

function refuse(errors: readonly ParameterError[]): void {
  if (errors.length === 0) return;
  const left = errors.length - MAX_ERRORS;
  const more = { parameter: 'manifests', reason: `${left} more errors` };
  throw invalidQuery([...errors.slice(0, MAX_ERRORS), ...(left > 0 ? [more] : [])]);
}

function nameOf({ kind, metadata }: KubernetesObject): string {
  return [kind, metadata.namespace, metadata.name].filter(Boolean).join('/');
}

/** Namespaced kinds; without a namespace they are in `default`, as with kubectl. */
const NAMESPACED = new Set([
  'NetworkPolicy',
  'StagedNetworkPolicy',
  'StagedKubernetesNetworkPolicy',
  'NetworkSet',
  'ServiceAccount',
]);

function withNamespace(object: KubernetesObject): KubernetesObject {
  const { kind, metadata } = object;
  if (!NAMESPACED.has(kind) || metadata.namespace !== undefined) return object;
  return { ...object, metadata: { ...metadata, namespace: 'default' } };
}
