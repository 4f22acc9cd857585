import type { KubernetesObject } from '../../cluster/objects.js';
import { protocolName, SCTP, TCP, UDP } from '../../net/protocol.js';
import { DENY_NAME, policyName, type RuleEvidence, type SuggestedManifest } from './manifest.js';
import {
  type NotCovered,
  ruleForPorts,
  type SuggestedPeer,
  type SuggestedPolicy,
  type SuggestedPort,
  type SuggestedRule,
} from './suggest.js';

/** Protocols that a NetworkPolicy supports (networking.k8s.io/v1 NetworkPolicyPort). */
const PROTOCOLS = new Set([TCP, UDP, SCTP]);

/** The label that every namespace has with its own name (Kubernetes well-known labels). */
const NAMESPACE_NAME = 'kubernetes.io/metadata.name';

/**
 * Suggested policies as NetworkPolicies of networking.k8s.io/v1, and one that denies everything else. Protocols without
 * ports, which they do not support, are returned as `notCovered`.
 */
export function kubernetesManifests(
  namespace: string,
  policies: readonly SuggestedPolicy[],
): { readonly manifests: SuggestedManifest[]; readonly notCovered: NotCovered[] } {
  const notCovered: NotCovered[] = [];
  const manifests = policies.map((policy): SuggestedManifest => {
    const rules: RuleEvidence[] = [];
    const write = (direction: 'ingress' | 'egress') =>
      policy[direction].flatMap((rule) => {
        const ports = rule.ports.filter(({ protocol }) => PROTOCOLS.has(protocol));
        if (ports.length < rule.ports.length) notCovered.push(withoutPorts(policy, rule));
        if (ports.length === 0) return [];
        const index = rules.filter((one) => one.direction === direction).length;
        rules.push({ direction, index, rule: ruleForPorts(rule, ports) });
        return {
          [direction === 'ingress' ? 'from' : 'to']: peers(namespace, rule.peer),
          ports: ports.map(portOf),
        };
      });
    const spec = {
      podSelector: { matchLabels: policy.labels },
      policyTypes: ['Ingress', 'Egress'],
      ingress: write('ingress'),
      egress: write('egress'),
    };
    const { workload, alsoSelects } = policy;
    return { manifest: networkPolicy(namespace, policyName(policy), spec), workload, alsoSelects, rules };
  });
  const deny = networkPolicy(namespace, DENY_NAME, { podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
  return {
    manifests: [...manifests, { manifest: deny, workload: '', alsoSelects: [], rules: [] }],
    notCovered,
  };
}

function peers(own: string, peer: SuggestedPeer): object[] {
  if (peer.is !== 'workload') return peer.prefixes.map((cidr) => ({ ipBlock: { cidr } }));
  const pods = { podSelector: { matchLabels: peer.labels } };
  if (peer.namespace === own) return [pods];
  return [{ namespaceSelector: { matchLabels: { [NAMESPACE_NAME]: peer.namespace } }, ...pods }];
}

function portOf({ protocol, from, to }: SuggestedPort): object {
  return { protocol: protocolName(protocol), port: from, ...(to > from ? { endPort: to } : {}) };
}

function withoutPorts({ workload }: SuggestedPolicy, rule: SuggestedRule): NotCovered {
  const ports = rule.ports.filter(({ protocol }) => !PROTOCOLS.has(protocol));
  const names = [...new Set(ports.map(({ protocol }) => protocol))].map(protocolName);
  const { evidence } = ruleForPorts(rule, ports);
  return {
    reason: `a Kubernetes NetworkPolicy cannot allow ${names.join(', ')}, which ${workload} uses`,
    evidence,
  };
}

function networkPolicy(namespace: string, name: string, spec: object): KubernetesObject {
  return {
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace } },
    ...{ spec },
  };
}
