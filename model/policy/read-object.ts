import { CALICO_DATASTORE_VERSION, toCalicoApi } from '../cluster/calico-object.js';
import type { KubernetesObject } from '../cluster/objects.js';
import {
  readHostEndpoint,
  readNetworkSet,
  readProfile,
  type HostEndpoint,
  type NetworkSet,
  type Profile,
} from './resources/endpoints.js';
import { Fields, type FieldProblem } from './resources/fields.js';
import { CALICO_API_VERSIONS, isPolicy, POLICY_KINDS, type Policy, policyNames } from './policy-kinds.js';
import { readTier, type Tier } from './resources/tier.js';

/** A validated resource of any policy API: a policy, or something that policies refer to. */
export type PolicyResource = Policy | Tier | NetworkSet | HostEndpoint | Profile;

/** The result of reading an object. A resource with problems is ignored. */
export type PolicyReading =
  | { readonly is: 'resource'; readonly resource: PolicyResource }
  | { readonly is: 'invalid'; readonly problems: readonly FieldProblem[] }
  /** The object is not a policy resource. */
  | { readonly is: 'other' };

interface Reader {
  readonly namespaced: boolean;
  readonly read: (spec: Fields, object: Identified) => PolicyResource;
}

interface Identified {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Calico's resources other than policies. */
const CALICO_RESOURCES: Readonly<Record<string, Reader>> = {
  Tier: { namespaced: false, read: (spec, { name }) => readTier(name, spec) },
  NetworkSet: {
    namespaced: true,
    read: (spec, { namespace, name, labels }) => readNetworkSet(namespace, name, labels, spec),
  },
  GlobalNetworkSet: {
    namespaced: false,
    read: (spec, { name, labels }) => readNetworkSet('', name, labels, spec),
  },
  HostEndpoint: { namespaced: false, read: (spec, { name, labels }) => readHostEndpoint(name, labels, spec) },
  Profile: { namespaced: false, read: (spec, { name }) => readProfile(name, spec) },
};

/** A kind of object that policies consist of, with the API versions that are read. */
export interface PolicyResourceKind {
  readonly kind: string;
  readonly apiVersions: readonly string[];
}

/** All kinds that {@link readPolicyObject} reads. */
export const POLICY_RESOURCE_KINDS: readonly PolicyResourceKind[] = [
  ...Object.values(POLICY_KINDS).map(({ objectKind, apiVersions }) => ({ kind: objectKind, apiVersions })),
  ...Object.keys(CALICO_RESOURCES).map((kind) => ({ kind, apiVersions: CALICO_API_VERSIONS })),
];

/** The readers by `apiVersion kind`. */
const READERS: ReadonlyMap<string, Reader> = new Map([
  ...Object.values(POLICY_KINDS).flatMap(({ apiVersions, objectKind, namespaced, read }) =>
    apiVersions.map((version): [string, Reader] => [
      `${version} ${objectKind}`,
      { namespaced, read: (spec, { namespace, name }) => read(namespace, name, spec) },
    ]),
  ),
  ...CALICO_API_VERSIONS.flatMap((version) =>
    Object.entries(CALICO_RESOURCES).map(([kind, reader]): [string, Reader] => [
      `${version} ${kind}`,
      reader,
    ]),
  ),
]);

/** Kinds whose objects would affect verdicts if they could be read, in any API group. */
const POLICY_KIND = /(Network|Clusterwide)\w*Policy$/;
const ANTREA_GROUP = /^(crd\.)?antrea\.io\//;

/**
 * Reads an object of any policy API into its validated form. Policies of other APIs or versions are
 * reported as invalid, not skipped: a verdict without them would be a guess.
 */
export function readPolicyObject(given: KubernetesObject): PolicyReading {
  const object = toCalicoApi(given);
  const reader = READERS.get(`${object.apiVersion} ${object.kind}`);
  if (!reader) return readUnsupported(object);
  const problems: FieldProblem[] = [];
  const fields = new Fields(object, '', problems);
  if (object.apiVersion === CALICO_DATASTORE_VERSION) {
    fields.problem('metadata.annotations', 'has a projectcalico.org/metadata that is not a JSON object');
  }
  const { name, namespace, labels } = fields.requiredObject('metadata', (metadata) => ({
    name: metadata.requiredString('name'),
    namespace: metadata.string('namespace') ?? 'default',
    labels: metadata.labels('labels'),
  }));
  const readSpec = (spec: Fields) =>
    reader.read(spec, { name, namespace: reader.namespaced ? namespace : '', labels });
  const resource = fields.object('spec', readSpec) ?? readSpec(new Fields({}, 'spec', problems));
  if (resource.kind === 'BaselineAdminNetworkPolicy' && name !== 'default') {
    fields.problem('metadata.name', 'must be "default" for a BaselineAdminNetworkPolicy');
  }
  return problems.length > 0 ? { is: 'invalid', problems } : { is: 'resource', resource };
}

/** Tier and policy as in traces, such as `default|knp:shop/web`; undefined if the object is not a valid policy. */
export function tracePrefixOf(object: KubernetesObject): string | undefined {
  const reading = readPolicyObject(object);
  if (reading.is !== 'resource' || !isPolicy(reading.resource)) return undefined;
  return policyNames(reading.resource).tracePrefix;
}

function readUnsupported({ apiVersion, kind }: KubernetesObject): PolicyReading {
  const policy = POLICY_KIND.test(kind) || (ANTREA_GROUP.test(apiVersion) && kind.endsWith('Policy'));
  if (!policy) return { is: 'other' };
  return {
    is: 'invalid',
    problems: [{ field: 'kind', reason: `${kind} of ${apiVersion} is not supported` }],
  };
}
