import type { CalicoPolicy } from '../resources/calico-policy.js';
import { SELECT_ALL, type Selector } from '../selector/selector.js';
import {
  allNamespaces,
  allOf,
  allServiceAccounts,
  onNamespaceLabels,
  onServiceAccountLabels,
} from './calico-labels.js';
import { compileCalicoRule } from './calico-rule.js';
import type { CompiledPolicy, PolicyNames } from './compiled-policy.js';
import type { FactSources } from './fact-sources.js';

/** Compiles one of Calico's own policies. */
export function compileCalicoPolicy(
  policy: CalicoPolicy,
  sources: FactSources,
  names: PolicyNames,
): CompiledPolicy {
  const { namespace, order, staged, host } = policy;
  const compile = (direction: 'ingress' | 'egress') =>
    policy[direction]?.map((rule, index) => compileCalicoRule(rule, index, direction, namespace, sources));
  return {
    // Listed one by one: spreading doubled the time to rebuild programs.
    tier: names.tier,
    sortKey: names.sortKey,
    reference: names.reference,
    tracePrefix: names.tracePrefix,
    order: order ?? Infinity,
    tiesUndefined: false,
    staged: staged !== undefined,
    subject: {
      kind: 'labels',
      namespace: namespace === '' ? undefined : namespace,
      selector: subjectSelector(policy) ?? SELECT_ALL,
    },
    ingress: compile('ingress'),
    egress: compile('egress'),
    host,
  };
}

/**
 * The policy's three selectors as one endpoint selector. In a global policy a namespace selector turns every
 * `all()` of the combined selector into "in a namespace", and a service account selector turns the remaining ones into
 * "has a service account" (libcalico-go `updateprocessors`, globalnetworkpolicyprocessor.go).
 */
function subjectSelector(policy: CalicoPolicy): Selector | undefined {
  const { namespace, namespaceSelector, serviceAccountSelector } = policy;
  let selector = policy.selector;
  if (namespaceSelector) {
    selector = mapped(allOf(selector, onNamespaceLabels(namespaceSelector)), allNamespaces);
  }
  if (serviceAccountSelector) {
    selector = allOf(selector, onServiceAccountLabels(serviceAccountSelector));
    if (namespace === '') selector = mapped(selector, allServiceAccounts);
  }
  return selector;
}

function mapped(
  selector: Selector | undefined,
  change: (selector: Selector) => Selector,
): Selector | undefined {
  return selector && change(selector);
}
