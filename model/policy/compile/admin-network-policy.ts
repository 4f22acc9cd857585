import type { AdminNetworkPolicy, AdminPort, AdminRule } from '../resources/admin-network-policy.js';
import type { AdminPeer, AdminSubject } from '../resources/admin-peer.js';
import { fromLabelSelector } from '../selector/label-selector.js';
import { SELECT_ALL } from '../selector/selector.js';
import type {
  CompiledPolicy,
  CompiledRule,
  PolicyNames,
  RuleCondition,
  PodSelection,
  Side,
} from './compiled-policy.js';
import { byProtocol, type PortMatch } from './ports.js';
import { netFacts, type FactSources } from './fact-sources.js';

/**
 * Compiles an admin policy of either version. Each rule becomes one rule for every protocol and peer, protocols
 * first, as in Calico's conversion: rule numbers in traces count these.
 */
export function compileAdminNetworkPolicy(
  policy: AdminNetworkPolicy,
  sources: FactSources,
  names: PolicyNames,
): CompiledPolicy {
  const { priority } = policy;
  const compile = (rules: readonly AdminRule[], peerSide: Side) =>
    rules.flatMap((rule, index) => compileRule(rule, index, peerSide, sources));
  const ingress = compile(policy.ingress, 'source');
  const egress = compile(policy.egress, 'destination');
  // A policy applies to the directions that it has rules for; without rules Calico consults it in both.
  const empty = ingress.length === 0 && egress.length === 0;
  return {
    // Listed one by one: spreading doubled the time to rebuild programs.
    tier: names.tier,
    sortKey: names.sortKey,
    reference: names.reference,
    tracePrefix: names.tracePrefix,
    order: priority,
    tiesUndefined: true,
    staged: false,
    subject: compilePods(policy.subject),
    ingress: ingress.length > 0 || empty ? ingress : undefined,
    egress: egress.length > 0 || empty ? egress : undefined,
    host: 'local',
  };
}

function compileRule(rule: AdminRule, index: number, peerSide: Side, sources: FactSources): CompiledRule[] {
  const origin = { index, name: rule.name };
  const peers = rule.peers.filter((peer) => peer.kind !== 'unknown');
  if (peers.length < rule.peers.length) return failClosed(rule, origin);
  const peerConditions = peers.map((peer) => compilePeer(peer, peerSide, sources));
  return byProtocol(rule.ports.map(portMatch)).flatMap(({ protocol, ports }) =>
    peerConditions.map((condition): CompiledRule => {
      const portCondition: RuleCondition[] = ports ? [{ kind: 'ports', side: 'destination', ports }] : [];
      return {
        action: rule.action,
        family: undefined,
        protocol,
        notProtocol: undefined,
        conditions: [...portCondition, condition],
        origin,
      };
    }),
  );
}

/**
 * A peer without a known field comes from a later version of the API. The API defines this case: an allow rule then
 * matches nothing, a deny or pass rule denies everything.
 */
function failClosed({ action }: AdminRule, origin: CompiledRule['origin']): CompiledRule[] {
  if (action === 'allow') return [];
  const any = { family: undefined, protocol: undefined, notProtocol: undefined, conditions: [] };
  return [{ action: 'deny', ...any, origin }];
}

function portMatch(port: AdminPort): PortMatch {
  if (port.kind === 'named') return { protocol: undefined, port: port.name };
  return { protocol: port.protocol, port: { from: port.from, to: port.to } };
}

function compilePods(pods: AdminSubject): PodSelection {
  const [namespaceSelector, podSelector] =
    pods.kind === 'namespaces'
      ? [fromLabelSelector(pods.selector), SELECT_ALL]
      : [fromLabelSelector(pods.namespaceSelector), fromLabelSelector(pods.podSelector)];
  return { kind: 'pods', namespace: undefined, namespaceSelector, podSelector };
}

type KnownPeer = Exclude<AdminPeer, { kind: 'unknown' }>;

function compilePeer(peer: KnownPeer, side: Side, sources: FactSources): RuleCondition {
  switch (peer.kind) {
    case 'pods':
    case 'namespaces':
      return { kind: 'pods', side, selection: compilePods(peer) };
    case 'nodes':
      return { kind: 'nodes', side, selector: fromLabelSelector(peer.selector) };
    case 'networks':
      return { kind: 'nets', side, nets: netFacts(sources, peer.networks) };
    case 'domainNames':
      return {
        kind: 'domains',
        side,
        facts: peer.names.map((name) => sources.domains.factOf(name, 'subdomains')),
      };
  }
}
