import { parseManifests, readObjects } from '@sonde/backbone/manifests/read';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { affectsPolicies, manifestText } from '@sonde/model/policy/history/object-version';
import { createPolicySnapshot } from '@sonde/model/policy/preview/snapshot';
import { invalidQuery, type ParameterError } from '../errors.js';

/** Manifests of a request: as a text of YAML or JSON, and as objects. */
export interface GivenManifests {
  readonly manifests: string;
  readonly apply: readonly unknown[];
}

/** Lexemes of a document of the text, some thousand policies. Larger ones would keep others waiting for long. */
const BOUNDS = { maxTokens: 100_000 };

/** Errors that an answer lists. */
const MAX_ERRORS = 100;

/**
 * Reads the manifests of policies, and of what policies depend on, that a request gives, with turns for others.
 * @throws QueryError SONDE_INVALID_PARAMETER that says of each one that cannot be used why, of the first hundred.
 */
export async function readGivenManifests(
  { manifests, apply }: GivenManifests,
  signal: AbortSignal,
): Promise<KubernetesObject[]> {
  const read = [
    await parseManifests(manifests, 'manifests', { ...BOUNDS, signal }),
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
  // As the history of policies has them.
  return objects.map((object) => JSON.parse(manifestText(object)) as KubernetesObject);
}

function refuse(errors: readonly ParameterError[]): void {
  if (errors.length === 0) return;
  const left = errors.length - MAX_ERRORS;
  const more = { parameter: 'manifests', reason: `there are ${left} more errors` };
  throw invalidQuery([...errors.slice(0, MAX_ERRORS), ...(left > 0 ? [more] : [])]);
}

function nameOf({ kind, metadata }: KubernetesObject): string {
  return [kind, metadata.namespace, metadata.name].filter(Boolean).join('/');
}

/** Kinds of policies and sets that stand in a namespace; without one they stand in `default`, as for kubectl. */
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
