import type { KubernetesObject } from '../../cluster/objects.js';
import { hasPorts, isIcmp, protocolName } from '../../net/protocol.js';
import { DENY_NAME, policyName, type RuleEvidence, type SuggestedManifest } from './manifest.js';
import {
  ruleForPorts,
  type SuggestedPeer,
  type SuggestedPolicy,
  type SuggestedPort,
  type SuggestedRule,
} from './suggest.js';

type Labels = Readonly<Record<string, string>>;

/** Tier and order of suggested policies. */
export interface CalicoPlace {
  readonly tier: string;
  readonly order: number;
  /** Whether rules may contain domains, as in Calico Enterprise and Cloud; otherwise they contain addresses. */
  readonly domains: boolean;
}

/** Suggested policies as Calico's NetworkPolicies (projectcalico.org/v3), and one that denies everything else. */
export function calicoManifests(
  namespace: string,
  policies: readonly SuggestedPolicy[],
  place: CalicoPlace,
): SuggestedManifest[] {
  const manifests = policies.map((policy): SuggestedManifest => {
    const rules: RuleEvidence[] = [];
    const write = (direction: 'ingress' | 'egress') =>
      policy[direction].flatMap((rule) =>
        byProtocol(place.domains ? byDomain(rule) : rule).map((part) => {
          const index = rules.filter((one) => one.direction === direction).length;
          rules.push({ direction, index, rule: part });
          return calicoRule(namespace, direction, part, place.domains);
        }),
      );
    const spec = {
      selector: selectorText(policy.labels),
      ingress: write('ingress'),
      egress: write('egress'),
    };
    const { workload, alsoSelects } = policy;
    return {
      manifest: networkPolicy(namespace, policyName(policy), place, spec),
      workload,
      alsoSelects,
      rules,
    };
  });
  const deny = networkPolicy(namespace, DENY_NAME, place, { selector: 'all()' });
  return [...manifests, { manifest: deny, workload: '', alsoSelects: [], rules: [] }];
}

/** Splits a rule by protocol, and by ICMP type and code: a Calico rule has one of each. */
function byProtocol(rule: SuggestedRule): SuggestedRule[] {
  const protocols = [...new Set(rule.ports.map(({ protocol }) => protocol))];
  return protocols.flatMap((protocol) => {
    const ports = rule.ports.filter((port) => port.protocol === protocol);
    return isIcmp(protocol) ? ports.map((port) => ruleForPorts(rule, [port])) : [ruleForPorts(rule, ports)];
  });
}

/** A domain rule covers all addresses of the domain, so nothing is widened. */
function byDomain(rule: SuggestedRule): SuggestedRule {
  return rule.peer.is === 'domain' ? { ...rule, peer: { ...rule.peer, widened: false } } : rule;
}

function calicoRule(
  own: string,
  direction: 'ingress' | 'egress',
  { peer, ports }: SuggestedRule,
  domains: boolean,
): object {
  const [first] = ports;
  const protocol = first?.protocol ?? 0;
  const numbers = hasPorts(protocol) ? { ports: ports.map(portText) } : {};
  const entity = peerEntity(own, peer, domains);
  return {
    action: 'Allow',
    protocol: /^\d+$/.test(protocolName(protocol)) ? protocol : protocolName(protocol),
    ...(first && isIcmp(protocol) ? { icmp: { type: first.from >> 8, code: first.from & 0xff } } : {}),
    ...(direction === 'ingress'
      ? { source: entity, ...(hasPorts(protocol) ? { destination: numbers } : {}) }
      : { destination: { ...entity, ...numbers } }),
  };
}

function peerEntity(own: string, peer: SuggestedPeer, domains: boolean): object {
  switch (peer.is) {
    case 'workload':
      return {
        ...(peer.namespace === own ? {} : { namespaceSelector: namespaceText(peer.namespace) }),
        selector: selectorText(peer.labels),
      };
    case 'networkSet': {
      const where = peer.namespace === '' ? 'global()' : namespaceText(peer.namespace);
      return {
        ...(peer.namespace === own ? {} : { namespaceSelector: where }),
        selector: selectorText(peer.labels),
      };
    }
    case 'domain':
      return domains ? { domains: [peer.domain] } : { nets: peer.prefixes };
    case 'addresses':
      return { nets: peer.prefixes };
  }
}

/** Selects a namespace by the label with its name that Calico adds. */
function namespaceText(namespace: string): string {
  return `projectcalico.org/name == '${namespace}'`;
}

/** Labels as a selector; keys and values of Kubernetes labels contain no quotes. */
function selectorText(labels: Labels): string {
  const conditions = Object.entries(labels).map(([key, value]) => `${key} == '${value}'`);
  return conditions.length === 0 ? 'all()' : conditions.join(' && ');
}

function portText({ from, to }: SuggestedPort): number | string {
  return to > from ? `${from}:${to}` : from;
}

function networkPolicy(
  namespace: string,
  name: string,
  { tier, order }: CalicoPlace,
  spec: object,
): KubernetesObject {
  return {
    ...{
      apiVersion: 'projectcalico.org/v3',
      kind: 'NetworkPolicy',
      metadata: { name: `${tier}.${name}`, namespace },
    },
    ...{ spec: { tier, order, ...spec, types: ['Ingress', 'Egress'] } },
  };
}
