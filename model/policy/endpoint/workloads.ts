import type { PolicyPod, ServedPort } from './pods-and-nodes.js';
import {
  NAMESPACE_LABEL,
  NAMESPACE_PREFIX,
  NAME_LABEL,
  ORCHESTRATOR_LABEL,
  SERVICE_ACCOUNT_LABEL,
  SERVICE_ACCOUNT_PREFIX,
} from '../compile/calico-labels.js';
import type { Dependencies } from '../compile/dependencies.js';
import type { EndpointPort } from '../resources/endpoints.js';
import type { Labels } from '../selector/selector.js';

/** Pods that no policy can distinguish, apart from their addresses. Equal workloads are one object. */
export interface Workload {
  readonly id: number;
  readonly namespace: string;
  /** The pods' own labels that policies depend on. */
  readonly podLabels: Labels;
  readonly namespaceLabels: Labels;
  /** The labels for Calico's selectors: own, automatic and inherited. */
  readonly labels: Labels;
  readonly ports: readonly EndpointPort[];
  readonly serves: readonly ServedPort[];
}

type LabelRecord = Readonly<Record<string, string>>;

/** What all pods of a namespace have in common. */
interface NamespaceView {
  readonly labels: Labels;
  readonly key: string;
}

/** Interns pods as workloads by the properties that policies depend on, and adds inherited labels. */
export class Workloads {
  #count = 0;
  readonly #dependencies: Dependencies;
  readonly #namespaces = new Map<string, LabelRecord>();
  readonly #serviceAccounts = new Map<string, LabelRecord>();
  readonly #byKey = new Map<string, Workload>();
  #ofPod = new WeakMap<PolicyPod, Workload>();
  #namespaceViews = new Map<string, NamespaceView>();

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies;
  }

  setNamespace(name: string, labels: LabelRecord | undefined): void {
    if (labels) this.#namespaces.set(name, labels);
    else this.#namespaces.delete(name);
    this.invalidate();
  }

  setServiceAccount(namespace: string, name: string, labels: LabelRecord | undefined): void {
    if (labels) this.#serviceAccounts.set(`${namespace}/${name}`, labels);
    else this.#serviceAccounts.delete(`${namespace}/${name}`);
    this.invalidate();
  }

  /** Must be called when policies depend on more properties: equal pods may now differ. */
  invalidate(): void {
    this.#ofPod = new WeakMap();
    this.#namespaceViews = new Map();
  }

  /** Number of workloads; they are numbered from 0. */
  get count(): number {
    return this.#count;
  }

  /** Discards all workloads; their numbers start over. */
  forget(): void {
    this.#byKey.clear();
    this.#count = 0;
    this.invalidate();
  }

  intern(pod: PolicyPod): Workload {
    const known = this.#ofPod.get(pod);
    if (known) return known;
    const workload = this.#internByKey(pod);
    this.#ofPod.set(pod, workload);
    return workload;
  }

  #internByKey(pod: PolicyPod): Workload {
    const { podKeys, portNames, services } = this.#dependencies;
    const { namespace, serviceAccount } = pod;
    const own = Object.entries(pod.labels).filter(([key]) => podKeys.has(key));
    const ports = pod.ports.filter(({ name }) => portNames.has(name));
    const serves = (pod.servicePorts ?? []).filter(({ service }) => services.has(service));
    const view = this.#namespaceView(namespace);
    const account = this.#accountLabels(namespace, serviceAccount);
    const key = [
      namespace,
      serviceAccount,
      view.key,
      labelKey(account),
      labelKey(own),
      ports
        .map(({ name, protocol, port }) => `${name}:${protocol}:${port}`)
        .sort()
        .join(),
      serves
        .map(({ service, protocol, port }) => `${service}:${protocol}:${port}`)
        .sort()
        .join(),
    ].join('\u0000');
    const known = this.#byKey.get(key);
    if (known) return known;
    const labels = new Map<string, string>();
    for (const [key, value] of own) if (!isInherited(key)) labels.set(key, value);
    for (const [key, value] of view.labels) labels.set(NAMESPACE_PREFIX + key, value);
    labels.set(NAMESPACE_PREFIX + NAME_LABEL, namespace);
    labels.set(NAMESPACE_LABEL, namespace);
    labels.set(ORCHESTRATOR_LABEL, 'k8s');
    if (serviceAccount !== '') {
      for (const [key, value] of account) labels.set(SERVICE_ACCOUNT_PREFIX + key, value);
      labels.set(SERVICE_ACCOUNT_PREFIX + NAME_LABEL, serviceAccount);
      labels.set(SERVICE_ACCOUNT_LABEL, serviceAccount);
    }
    const workload: Workload = {
      id: this.#count++,
      namespace,
      podLabels: new Map(own),
      namespaceLabels: view.labels,
      labels,
      ports,
      serves,
    };
    this.#byKey.set(key, workload);
    return workload;
  }

  #namespaceView(name: string): NamespaceView {
    const known = this.#namespaceViews.get(name);
    if (known) return known;
    const { namespaceKeys } = this.#dependencies;
    const given = { ...this.namespaceLabels(name) };
    const entries = Object.entries(given).filter(([key]) => namespaceKeys.has(key));
    const view = { labels: new Map(entries), key: labelKey(entries) };
    this.#namespaceViews.set(name, view);
    return view;
  }

  /** All labels of a namespace, including its well-known name label. */
  namespaceLabels(name: string): LabelRecord {
    return { ...this.#namespaces.get(name), 'kubernetes.io/metadata.name': name };
  }

  #accountLabels(namespace: string, name: string): [string, string][] {
    const { serviceAccountKeys } = this.#dependencies;
    const labels = this.#serviceAccounts.get(`${namespace}/${name}`) ?? {};
    return Object.entries(labels).filter(([key]) => serviceAccountKeys.has(key));
  }
}

/** Labels that a pod can only inherit from its namespace or service account. */
function isInherited(key: string): boolean {
  return key.startsWith(NAMESPACE_PREFIX) || key.startsWith(SERVICE_ACCOUNT_PREFIX);
}

function labelKey(entries: readonly (readonly [string, string])[]): string {
  return entries
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join();
}
