import type { KubernetesObject } from '@sonde/model/cluster/objects';
import type { Expression, Policy, Snapshot } from './snapshot.js';

/** The random cluster as the manifests that the evaluator reads. */
export function manifestsOf(snapshot: Snapshot): KubernetesObject[] {
  return [
    ...snapshot.namespaces.map(({ name, labels }) => object('v1', 'Namespace', { name, labels }, {})),
    ...snapshot.pods.map(({ namespace, name, labels, serviceAccount, ip, ports }) => ({
      ...object(
        'v1',
        'Pod',
        { namespace, name, labels },
        {
          serviceAccountName: serviceAccount,
          containers: [
            {
              ports: ports.map((own) => ({
                name: own.name,
                protocol: own.protocol,
                containerPort: own.port,
              })),
            },
          ],
        },
      ),
      status: { podIPs: [{ ip }] },
    })),
    ...snapshot.sets.map(({ namespace, name, labels, nets }) =>
      namespace === ''
        ? object('projectcalico.org/v3', 'GlobalNetworkSet', { name, labels }, { nets })
        : object('projectcalico.org/v3', 'NetworkSet', { namespace, name, labels }, { nets }),
    ),
    ...snapshot.tiers.map(({ name, ...spec }) => object('projectcalico.org/v3', 'Tier', { name }, spec)),
    ...snapshot.policies.map(policyManifest),
  ];
}

export function policyManifest(policy: Policy): KubernetesObject {
  const { name, spec } = policy;
  switch (policy.api) {
    case 'kubernetes':
      return object('networking.k8s.io/v1', 'NetworkPolicy', { namespace: policy.namespace, name }, spec);
    case 'admin': {
      const version = policy.kind === 'ClusterNetworkPolicy' ? 'v1alpha2' : 'v1alpha1';
      return object(`policy.networking.k8s.io/${version}`, policy.kind, { name }, spec);
    }
    case 'calico': {
      const { namespace } = policy;
      const metadata = namespace === '' ? { name } : { namespace, name };
      return object('projectcalico.org/v3', policy.kind, metadata, withSelectorTexts(spec) as object);
    }
  }
}

/** The same with every selector tree as a string. */
function withSelectorTexts(value: unknown): unknown {
  if (isExpression(value)) return textOf(value);
  if (Array.isArray(value)) return value.map(withSelectorTexts);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withSelectorTexts(inner)]));
}

const OPERATORS = new Set([
  ...[
    'all',
    'global',
    'has',
    '==',
    '!=',
    'contains',
    'starts with',
    'ends with',
    'in',
    'not in',
    '!',
    '&&',
    '||',
  ],
]);

function isExpression(value: unknown): value is Expression {
  return Array.isArray(value) && typeof value[0] === 'string' && OPERATORS.has(value[0]);
}

function textOf(expression: Expression): string {
  const [operator, first, second] = expression;
  switch (operator) {
    case 'all':
    case 'global':
      return `${operator}()`;
    case 'has':
      return `has(${first})`;
    case '!':
      return `!(${textOf(first)})`;
    case '&&':
    case '||':
      return `(${textOf(first)}) ${operator} (${textOf(second)})`;
    case 'in':
    case 'not in':
      return `${first} ${operator} {${second.map((value) => `'${value}'`).join(', ')}}`;
    default:
      return `${first} ${operator} "${second}"`;
  }
}

function object(apiVersion: string, kind: string, metadata: object, spec: object): KubernetesObject {
  return { apiVersion, kind, metadata, spec } as unknown as KubernetesObject;
}
