import type { KubeConfigChoice } from '@sonde/backbone/kubernetes/kube-config';
import type { TrafficChoice } from './traffic.js';

/** A cluster to watch. */
export interface ClusterChoice {
  readonly name: string;
  readonly traffic: TrafficChoice;
  /** Files and folders of manifests that describe it. */
  readonly manifests: readonly string[];
  readonly kubeConfig: KubeConfigChoice | undefined;
}

/** Options of a single cluster. */
export const CLUSTER_OPTIONS = ['cluster', 'lab', 'pcap', 'interface', 'manifests', 'kubeconfig'] as const;

/** The lab definition used by default. */
export const DEFAULT_LAB = 'storefront';

interface ClusterOptions {
  name: string | undefined;
  readonly lab: string[];
  readonly pcap: string[];
  readonly interface: string[];
  readonly manifests: string[];
  kubeConfig: KubeConfigChoice | undefined;
}

/** Options that contradict each other; the message says how. */
export class ClusterChoiceError extends Error {
  override readonly name = 'ClusterChoiceError';
}

/**
 * Reads the options of clusters in their order: with several `--cluster`, each other option belongs to the one before
 * it; with one or none, all belong to that cluster.
 */
export class ClusterChoices {
  readonly #clusters: ClusterOptions[] = [noOptions(undefined)];

  /** Adds an option and its value; null if it has none. */
  take(option: (typeof CLUSTER_OPTIONS)[number], value: string | null): void {
    const [last = noOptions(undefined)] = this.#clusters.slice(-1);
    if (option === 'cluster') this.#clusters.push(noOptions(value ?? ''));
    else if (option === 'kubeconfig') last.kubeConfig = value === null ? 'usual places' : { file: value };
    else last[option].push(value ?? (option === 'lab' ? DEFAULT_LAB : ''));
  }

  /**
   * The clusters, at least one; `node` is the name of this node.
   * @throws ClusterChoiceError if the options contradict each other.
   */
  choices(defaultName: string, node: string): [ClusterChoice, ...ClusterChoice[]] {
    const [before = noOptions(undefined), first, ...others] = this.#clusters;
    if (!first || others.length === 0) {
      const { name = defaultName } = first ?? before;
      return [choiceOf(name, first ? merged(before, first) : before, node)];
    }
    if (!isEmpty(before)) {
      throw new ClusterChoiceError(
        'with several --cluster, each option must follow the --cluster it belongs to',
      );
    }
    const names = [first, ...others].map(({ name }) => name);
    if (new Set(names).size < names.length)
      throw new ClusterChoiceError('each --cluster must have its own name');
    if ([first, ...others].filter(({ lab }) => lab.length > 0).length > 1)
      throw new ClusterChoiceError('only one --cluster can be a --lab');
    const choice = (options: ClusterOptions) => choiceOf(options.name ?? '', options, node);
    return [choice(first), ...others.map(choice)];
  }
}

function choiceOf(name: string, options: ClusterOptions, node: string): ClusterChoice {
  const given = [options.lab, options.pcap, options.interface].filter(({ length }) => length > 0);
  if (given.length !== 1 || options.lab.length > 1)
    throw new ClusterChoiceError(`specify exactly one of --lab, --pcap and --interface for cluster ${name}`);
  const [lab] = options.lab;
  const traffic: TrafficChoice =
    lab !== undefined
      ? { kind: 'lab', definition: lab }
      : options.pcap.length > 0
        ? { kind: 'captures', files: options.pcap }
        : { kind: 'interfaces', names: options.interface, node };
  return { name, traffic, manifests: options.manifests, kubeConfig: options.kubeConfig };
}

function noOptions(name: string | undefined): ClusterOptions {
  return { name, lab: [], pcap: [], interface: [], manifests: [], kubeConfig: undefined };
}

function isEmpty({ lab, pcap, interface: names, manifests, kubeConfig }: ClusterOptions): boolean {
  return [lab, pcap, names, manifests].every(({ length }) => length === 0) && kubeConfig === undefined;
}

function merged(a: ClusterOptions, b: ClusterOptions): ClusterOptions {
  return {
    name: b.name,
    lab: [...a.lab, ...b.lab],
    pcap: [...a.pcap, ...b.pcap],
    interface: [...a.interface, ...b.interface],
    manifests: [...a.manifests, ...b.manifests],
    kubeConfig: b.kubeConfig ?? a.kubeConfig,
  };
}
