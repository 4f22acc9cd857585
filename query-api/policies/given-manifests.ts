import { parseManifests } from '@sonde/backbone/manifests/read';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { canonicalJson, isPolicyMatter, manifestText } from '@sonde/model/policy/history/version';
import { policyWorld } from '@sonde/model/policy/preview/world';
import { invalidParameters, type ParameterError } from '../problem.js';

/** Manifests of a request: as a text of YAML or JSON, and as objects. */
export interface GivenManifests {
  readonly manifests: string;
  readonly apply: readonly unknown[];
}

/**
 * Reads the manifests of policies, and of what policies depend on, that a request gives.
 * @throws Problem 400 that says of each one that cannot be used why.
 */
export function readGivenManifests({ manifests, apply }: GivenManifests): KubernetesObject[] {
  const texts = [
    { parameter: 'manifests', text: manifests },
    ...apply.map((object, index) => ({ parameter: `apply/${index}`, text: canonicalJson(object) })),
  ];
  const errors: ParameterError[] = [];
  const objects = texts.flatMap(({ parameter, text }) => {
    const read = parseManifests(text, parameter);
    errors.push(
      ...read.problems.map(({ line, reason }) => ({ parameter, reason: `line ${line}: ${reason}` })),
    );
    return read.objects.map(({ object }) => reduced(object, parameter, errors));
  });
  if (errors.length > 0) throw invalidParameters(errors);
  return objects;
}

/** The object as the history of policies has it; what is wrong with it goes to the errors. */
function reduced(object: KubernetesObject, parameter: string, errors: ParameterError[]): KubernetesObject {
  const { kind, apiVersion, metadata } = object;
  const name = [kind, metadata.namespace, metadata.name].filter(Boolean).join('/');
  if (!isPolicyMatter(object)) {
    errors.push({ parameter, reason: `${name}: policies do not depend on ${kind} of ${apiVersion}` });
    return object;
  }
  const namespaced = withNamespace(object);
  for (const { field, reason } of policyWorld([namespaced]).problems) {
    errors.push({ parameter, reason: `${name}: ${field} ${reason}` });
  }
  return JSON.parse(manifestText(namespaced)) as KubernetesObject;
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
