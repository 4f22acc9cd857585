import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyRule } from '../resources/network-policy.js';
import { fromLabelSelector } from '../selector/label-selector.js';
import { SELECT_ALL } from '../selector/selector.js';
import type { CompiledPolicy, CompiledRule, PolicyNames, RuleCondition, Side } from './compiled-policy.js';
import { byProtocol, type PortMatch } from './ports.js';
import { netFacts, type FactSources } from './fact-sources.js';

/** Where Kubernetes network policies stand among Calico's: in its default tier, at this order. */
const ORDER = 1000;

/**
 * Compiles a NetworkPolicy. Each rule becomes one rule for every protocol and peer, protocols first, as in
 * Calico's conversion, for the rule numbers in traces count those.
 */
export function compileNetworkPolicy(
  policy: NetworkPolicy,
  sources: FactSources,
  names: PolicyNames,
): CompiledPolicy {
  const { namespace, staged, podSelector } = policy;
  const compile = (rules: readonly NetworkPolicyRule[] | undefined, peerSide: Side) =>
    rules?.flatMap((rule, index) => compileRule(rule, index, peerSide, namespace, sources));
  return {
    // Listed one by one: spreading doubled the time to rebuild programs.
    tier: names.tier,
    sortKey: names.sortKey,
    reference: names.reference,
    tracePrefix: names.tracePrefix,
    order: ORDER,
    tiesUndefined: false,
    staged: staged !== undefined,
    subject: {
      kind: 'pods',
      namespace,
      namespaceSelector: SELECT_ALL,
      podSelector: fromLabelSelector(podSelector),
    },
    ingress: compile(policy.ingress, 'source'),
    egress: compile(policy.egress, 'destination'),
    host: 'local',
  };
}

function compileRule(
  { peers, ports }: NetworkPolicyRule,
  index: number,
  peerSide: Side,
  namespace: string,
  sources: FactSources,
): CompiledRule[] {
  const portMatches = ports.map(({ protocol, port, endPort }): PortMatch => {
    const numeric = typeof port === 'number' ? { from: port, to: endPort ?? port } : undefined;
    return { protocol, port: typeof port === 'string' ? port : numeric };
  });
  const peerConditions =
    peers.length === 0 ? [[]] : peers.map((peer) => compilePeer(peer, peerSide, namespace, sources));
  return byProtocol(portMatches).flatMap((protocol) =>
    peerConditions.map((conditions): CompiledRule => {
      const portCondition: RuleCondition[] = protocol.ports
        ? [{ kind: 'ports', side: 'destination', ports: protocol.ports }]
        : [];
      return {
        action: 'allow',
        family: undefined,
        protocol: protocol.protocol,
        notProtocol: undefined,
        conditions: [...portCondition, ...conditions],
        origin: { index, name: '' },
      };
    }),
  );
}

function compilePeer(
  peer: NetworkPolicyPeer,
  side: Side,
  namespace: string,
  sources: FactSources,
): RuleCondition[] {
  if (peer.kind === 'pods') {
    const { podSelector, namespaceSelector } = peer;
    return [
      {
        kind: 'pods',
        side,
        selection: {
          kind: 'pods',
          namespace: namespaceSelector ? undefined : namespace,
          namespaceSelector: namespaceSelector ? fromLabelSelector(namespaceSelector) : SELECT_ALL,
          podSelector: podSelector ? fromLabelSelector(podSelector) : SELECT_ALL,
        },
      },
    ];
  }
  const within: RuleCondition = { kind: 'nets', side, nets: netFacts(sources, [peer.cidr]) };
  if (peer.except.length === 0) return [within];
  return [within, { kind: 'notNets', side, nets: netFacts(sources, peer.except) }];
}
