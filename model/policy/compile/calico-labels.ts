import { renameKeys, replaceOperation } from '../selector/rewrite.js';
import type { Selector } from '../selector/selector.js';

/** Labels that Calico gives every pod's endpoint (libcalico-go `conversion`). */
export const NAMESPACE_LABEL = 'projectcalico.org/namespace';
export const ORCHESTRATOR_LABEL = 'projectcalico.org/orchestrator';
export const SERVICE_ACCOUNT_LABEL = 'projectcalico.org/serviceaccount';

/** Prefixes of the labels that an endpoint inherits from its namespace and its service account. */
export const NAMESPACE_PREFIX = 'pcns.';
export const SERVICE_ACCOUNT_PREFIX = 'pcsa.';

/** The label, after a prefix, with the name of the namespace or service account. */
export const NAME_LABEL = 'projectcalico.org/name';

const IN_A_NAMESPACE: Selector = { op: 'has', key: NAMESPACE_LABEL };
const HAS_SERVICE_ACCOUNT: Selector = { op: 'has', key: SERVICE_ACCOUNT_LABEL };

/** Turns a namespace selector into a selector of the endpoints in those namespaces: keys become inherited labels. */
export function onNamespaceLabels(selector: Selector): Selector {
  return renameKeys(selector, (key) => NAMESPACE_PREFIX + key);
}

/** Turns a service account selector into a selector of the endpoints that use those accounts. */
export function onServiceAccountLabels(selector: Selector): Selector {
  return renameKeys(selector, (key) => SERVICE_ACCOUNT_PREFIX + key);
}

/** In a namespace selector, `all()` means everything in any namespace. */
export function allNamespaces(selector: Selector): Selector {
  return replaceOperation(selector, 'all', IN_A_NAMESPACE);
}

/** In a service account selector, `all()` means everything with a service account. */
export function allServiceAccounts(selector: Selector): Selector {
  return replaceOperation(selector, 'all', HAS_SERVICE_ACCOUNT);
}

/** In a namespace selector, `global()` means everything outside namespaces. */
export function globalMeansNoNamespace(selector: Selector): Selector {
  return replaceOperation(selector, 'global', { op: 'not', operand: IN_A_NAMESPACE });
}

/** The conjunction of the defined selectors; undefined if there are none. */
export function allOf(...given: readonly (Selector | undefined)[]): Selector | undefined {
  const operands = given.filter((selector) => selector !== undefined);
  return operands.length > 1 ? { op: 'and', operands } : operands[0];
}
