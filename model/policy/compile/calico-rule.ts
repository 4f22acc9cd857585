import { familyOfProtocol, type CalicoRule, type EntityRule } from '../resources/calico-rule.js';
import type { Selector } from '../selector/selector.js';
import {
  NAMESPACE_LABEL,
  SERVICE_ACCOUNT_LABEL,
  allNamespaces,
  allOf,
  globalMeansNoNamespace,
  onNamespaceLabels,
  onServiceAccountLabels,
} from './calico-labels.js';
import type { CompiledRule, RuleCondition, Side } from './compiled-policy.js';
import { mergePorts } from './ports.js';
import { netFacts, type FactSources } from './fact-sources.js';

/** Compiles a Calico rule; `namespace` is the policy's, empty for global policies and profiles. */
export function compileCalicoRule(
  rule: CalicoRule,
  index: number,
  direction: 'ingress' | 'egress',
  namespace: string,
  sources: FactSources,
): CompiledRule {
  const conditions: RuleCondition[] = [];
  if (rule.icmp) conditions.push({ kind: 'icmp', ...rule.icmp });
  if (rule.notIcmp) conditions.push({ kind: 'notIcmp', ...rule.notIcmp });
  // Source ports are matched last: outcomes that do not depend on them share a cache entry.
  conditions.push(...portConditions(rule.destination, 'destination'));
  const byName = direction === 'egress' && rule.action === 'allow';
  conditions.push(...peerConditions(rule.source, 'source', false, namespace, sources));
  conditions.push(...peerConditions(rule.destination, 'destination', byName, namespace, sources));
  conditions.push(...portConditions(rule.source, 'source'));
  if (rule.http) conditions.push({ kind: 'http' });
  return {
    action: rule.action,
    family: rule.ipVersion ?? (rule.protocol === undefined ? undefined : familyOfProtocol(rule.protocol)),
    protocol: rule.protocol,
    notProtocol: rule.notProtocol,
    conditions,
    origin: { index, name: '' },
  };
}

function portConditions({ ports, notPorts }: EntityRule, side: Side): RuleCondition[] {
  const conditions: RuleCondition[] = [];
  if (ports.length > 0) conditions.push({ kind: 'ports', side, ports: mergePorts(ports) });
  if (notPorts.length > 0) conditions.push({ kind: 'notPorts', side, ports: mergePorts(notPorts) });
  return conditions;
}

function peerConditions(
  entity: EntityRule,
  side: Side,
  byName: boolean,
  namespace: string,
  sources: FactSources,
): RuleCondition[] {
  const { nets, notNets, notSelector, services, domains } = entity;
  const conditions: RuleCondition[] = [];
  if (nets.length > 0) conditions.push({ kind: 'nets', side, nets: netFacts(sources, nets) });
  if (notNets.length > 0) conditions.push({ kind: 'notNets', side, nets: netFacts(sources, notNets) });
  const selector = peerSelector(entity, namespace);
  if (selector) conditions.push({ kind: 'selected', side, selector, byName });
  if (notSelector) conditions.push({ kind: 'notSelected', side, selector: notSelector });
  if (services) {
    const service = sources.services.factsOf(services.namespace, services.name);
    conditions.push({ kind: side === 'destination' ? 'servicePort' : 'serviceAddress', side, service });
  }
  if (domains.length > 0) {
    const facts = domains.map((name) => sources.domains.factOf(name, 'anything'));
    conditions.push({ kind: 'domains', side, facts });
  }
  return conditions;
}

/**
 * The selectors of one side as one selector of endpoints and network sets; undefined if there are none. A rule of a
 * namespaced policy is limited to its own namespace as soon as it selects anything, also by `notSelector`
 * (libcalico-go `updateprocessors`, rules.go getEndpointSelector).
 */
function peerSelector(entity: EntityRule, namespace: string): Selector | undefined {
  const { selector, notSelector, namespaceSelector, serviceAccounts } = entity;
  const accountSelector = serviceAccounts?.selector && onServiceAccountLabels(serviceAccounts.selector);
  const accountNames: Selector | undefined =
    serviceAccounts && serviceAccounts.names.length > 0
      ? { op: 'in', key: SERVICE_ACCOUNT_LABEL, values: new Set(serviceAccounts.names) }
      : undefined;
  const selected = allOf(accountSelector, accountNames, selector);
  if (namespaceSelector) {
    const namespaces = globalMeansNoNamespace(allNamespaces(onNamespaceLabels(namespaceSelector)));
    return allOf(namespaces, selected);
  }
  if (namespace === '' || (!selected && !notSelector)) return selected;
  return allOf({ op: '==', key: NAMESPACE_LABEL, value: namespace }, selected);
}
