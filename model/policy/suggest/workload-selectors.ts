import { isWorkloadLabel } from '../../cluster/identity.js';
import { parseLabels } from '../preview/snapshot-pods.js';
import type { ObservedEndpoint } from './observed.js';

type Labels = Readonly<Record<string, string>>;

/** The labels that select a workload, and the other workloads that they also select. */
interface Selection {
  readonly labels: Labels;
  readonly alsoSelects: readonly string[];
}

/** Labels that conventionally name a workload, the most specific first. */
const NAMING_KEYS = [
  'app.kubernetes.io/instance',
  'app.kubernetes.io/name',
  'app.kubernetes.io/component',
  'app',
  'k8s-app',
  'component',
  'name',
  'run',
];

/**
 * Finds the labels that select only the pods of a workload, among all pods that were seen. Conventional name labels are
 * preferred if they are sufficient; otherwise all labels that its pods have in common are used.
 */
export class WorkloadSelectors {
  /** The labels of pods that were seen, by namespace and workload. */
  readonly #seen = new Map<string, Map<string, Map<string, Labels>>>();

  /** Results; cleared when new labels are added. */
  readonly #found = new Map<string, Selection>();

  add({ kind, namespace, name, labels }: ObservedEndpoint): void {
    if (kind !== 'pod') return;
    const workloads = this.#seen.get(namespace) ?? new Map<string, Map<string, Labels>>();
    this.#seen.set(namespace, workloads);
    const own = workloads.get(name) ?? new Map<string, Labels>();
    workloads.set(name, own);
    if (own.has(labels)) return;
    own.set(labels, workloadLabels(parseLabels(labels)));
    this.#found.clear();
  }

  /** The selector of a workload, and the other workloads of the namespace that it selects too. */
  of(namespace: string, workload: string): Selection {
    const key = `${namespace}/${workload}`;
    const found = this.#found.get(key) ?? this.#find(namespace, workload);
    this.#found.set(key, found);
    return found;
  }

  #find(namespace: string, workload: string): Selection {
    const workloads = this.#seen.get(namespace) ?? new Map<string, Map<string, Labels>>();
    const common = commonLabels([...(workloads.get(workload)?.values() ?? [])]);
    const named = NAMING_KEYS.filter((key) => Object.hasOwn(common, key));
    const candidates = [
      ...named.slice(0, 1).map((key) => pick(common, [key])),
      ...(named.length > 1 ? [pick(common, named)] : []),
      common,
    ];
    const others = [...workloads].filter(([name]) => name !== workload);
    const alsoSelected = (labels: Labels) =>
      others
        .filter(([, seen]) => [...seen.values()].some((one) => matches(labels, one)))
        .map(([name]) => name);
    const labels = candidates.find((candidate) => alsoSelected(candidate).length === 0) ?? common;
    return { labels, alsoSelects: alsoSelected(labels) };
  }
}

/** Flows from before a label was known to depend on the node contain it. */
function workloadLabels(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => isWorkloadLabel(key)));
}

function commonLabels([first = {}, ...others]: readonly Labels[]): Labels {
  return Object.fromEntries(
    Object.entries(first).filter(([key, value]) => others.every((other) => other[key] === value)),
  );
}

function pick(labels: Labels, keys: readonly string[]): Labels {
  return Object.fromEntries(keys.map((key) => [key, labels[key] ?? '']));
}

function matches(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
