import { forEachKey } from '../selector/rewrite.js';
import type { Selector } from '../selector/selector.js';
import { NAMESPACE_PREFIX, SERVICE_ACCOUNT_PREFIX } from './calico-labels.js';
import type { CompiledPolicy, CompiledRule, RuleCondition, PodSelection } from './compiled-policy.js';

/**
 * The properties of endpoints that any policy depends on. Endpoints that agree in these have the same identity, whatever
 * their other labels. The set only grows: properties that no policy depends on any more do no harm.
 */
export class Dependencies {
  readonly podKeys = new Set<string>();
  readonly namespaceKeys = new Set<string>();
  readonly serviceAccountKeys = new Set<string>();
  readonly portNames = new Set<string>();
  /** Services, as `namespace/name`. */
  readonly services = new Set<string>();

  /** Adds everything that a policy depends on; returns whether anything was new. */
  add({ subject, ingress = [], egress = [] }: CompiledPolicy): boolean {
    const before = this.#size();
    if (subject.kind === 'pods') this.#addPods(subject);
    else this.#addSelector(subject.selector);
    this.addRules(ingress);
    this.addRules(egress);
    return this.#size() > before;
  }

  /** Adds everything that rules depend on. */
  addRules(rules: readonly CompiledRule[]): void {
    for (const { conditions } of rules) for (const condition of conditions) this.#addCondition(condition);
  }

  #addCondition(condition: RuleCondition): void {
    switch (condition.kind) {
      case 'pods':
        this.#addPods(condition.selection);
        break;
      case 'selected':
      case 'notSelected':
        this.#addSelector(condition.selector);
        break;
      case 'ports':
      case 'notPorts':
        for (const name of condition.ports.names) this.portNames.add(name);
        break;
      case 'serviceAddress':
      case 'servicePort':
        this.services.add(`${condition.service.namespace}/${condition.service.name}`);
        break;
      case 'nets':
      case 'notNets':
      case 'nodes':
      case 'domains':
      case 'icmp':
      case 'notIcmp':
      case 'http':
        break;
    }
  }

  #addPods({ namespaceSelector, podSelector }: PodSelection): void {
    forEachKey(namespaceSelector, (key) => this.namespaceKeys.add(key));
    forEachKey(podSelector, (key) => this.podKeys.add(key));
  }

  #addSelector(selector: Selector): void {
    forEachKey(selector, (key) => {
      if (key.startsWith(NAMESPACE_PREFIX)) this.namespaceKeys.add(key.slice(NAMESPACE_PREFIX.length));
      else if (key.startsWith(SERVICE_ACCOUNT_PREFIX)) {
        this.serviceAccountKeys.add(key.slice(SERVICE_ACCOUNT_PREFIX.length));
      } else this.podKeys.add(key);
    });
  }

  #size(): number {
    const { podKeys, namespaceKeys, serviceAccountKeys, portNames, services } = this;
    return podKeys.size + namespaceKeys.size + serviceAccountKeys.size + portNames.size + services.size;
  }
}
