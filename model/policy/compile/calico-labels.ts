import { renameKeys, replaceOperation } from '../selector/rewrite.js';
import type { Selector } from '../selector/selector.js';

/** Labels that Calico gives every pod's endpoint (libcalico-go `conversion`). */
export const NAMESPACE_LABEL = 'projectcalico.org/namespace';
export const ORCHESTRATOR_LABEL = 'projectcalico.org/orchestrator';
export const SERVICE_ACCOUNT_LABEL = 'projectcalico.org/serviceaccount';

/** Prefixes of the labels that an endpoint inherits from its namespace and its service account. */
export const NAMESPACE_PREFIX = 'pcns.';
export const SERVICE_ACCOUNT_PREFIX = 'pcsa.';

/** The label, behind a prefix, that holds the name of the namespace or of the service account. */
export const NAME_LABEL = 'projectcalico.org/name';

const IN_A_NAMESPACE: Selector = { op: 'has', key: NAMESPACE_LABEL };
const HAS_SERVICE_ACCOUNT: Selector = { op: 'has', key: SERVICE_ACCOUNT_LABEL };

/** A selector of namespaces as one of the endpoints in them: keys read what is inherited. */
export function onNamespaceLabels(selector: Selector): Selector {
  return renameKeys(selector, (key) => NAMESPACE_PREFIX + key);
}

/** A selector of service accounts as one of the endpoints that run under them. */
export function onServiceAccountLabels(selector: Selector): Selector {
  return renameKeys(selector, (key) => SERVICE_ACCOUNT_PREFIX + key);
}

/** Where namespaces are selected, `all()` means everything in a namespace. */
export function allNamespaces(selector: Selector): Selector {
  return replaceOperation(selector, 'all', IN_A_NAMESPACE);
}

/** Where service accounts are selected, `all()` means everything with a service account. */
export function allServiceAccounts(selector: Selector): Selector {
  return replaceOperation(selector, 'all', HAS_SERVICE_ACCOUNT);
}

/** Where namespaces are selected, `global()` means everything outside of namespaces. */
export function globalMeansNoNamespace(selector: Selector): Selector {
  return replaceOperation(selector, 'global', { op: 'not', operand: IN_A_NAMESPACE });
}

/** The conjunction of those selectors that are given, as they are; undefined if none is. */
export function allOf(...given: readonly (Selector | undefined)[]): Selector | undefined {
  const operands = given.filter((selector) => selector !== undefined);
  return operands.length > 1 ? { op: 'and', operands } : operands[0];
}
