import type { KubeConfigChoice } from '@sonde/backbone/kubernetes/kube-config';
import type { TrafficChoice } from './traffic.js';

/** A cluster that `sonde up` was asked to watch. */
export interface ClusterChoice {
  readonly name: string;
  readonly traffic: TrafficChoice;
  /** Files and folders of manifests that describe it. */
  readonly manifests: readonly string[];
  readonly kubeConfig: KubeConfigChoice | undefined;
}

/** Options that tell of one cluster. */
export const CLUSTER_OPTIONS = ['cluster', 'lab', 'pcap', 'interface', 'manifests', 'kubeconfig'] as const;

/** The lab that is built where none is named. */
export const DEFAULT_LAB = 'storefront';

interface Told {
  name: string | undefined;
  readonly lab: string[];
  readonly pcap: string[];
  readonly interface: string[];
  readonly manifests: string[];
  kubeConfig: KubeConfigChoice | undefined;
}

/** What is wrong with the options, in a sentence. */
export class ClusterChoiceError extends Error {
  override readonly name = 'ClusterChoiceError';
}

/**
 * Reads the options that tell of clusters in the order in which they stand: with several `--cluster`, the others
 * belong to the one before them; with one or none, all belong to it wherever they stand.
 */
export class ClusterChoices {
  readonly #told: Told[] = [nothingTold(undefined)];

  /** Takes an option and its value; null if it has none. */
  take(option: (typeof CLUSTER_OPTIONS)[number], value: string | null): void {
    const [last = nothingTold(undefined)] = this.#told.slice(-1);
    if (option === 'cluster') this.#told.push(nothingTold(value ?? ''));
    else if (option === 'kubeconfig') last.kubeConfig = value === null ? 'usual places' : { file: value };
    else last[option].push(value ?? (option === 'lab' ? DEFAULT_LAB : ''));
  }

  /**
   * The clusters, at least one; `node` is the name of this node.
   * @throws ClusterChoiceError if the options make no sense together.
   */
  choices(defaultName: string, node: string): [ClusterChoice, ...ClusterChoice[]] {
    const [before = nothingTold(undefined), first, ...others] = this.#told;
    if (!first || others.length === 0) {
      const { name = defaultName } = first ?? before;
      return [choiceOf(name, first ? merged(before, first) : before, node)];
    }
    if (!isEmpty(before)) {
      throw new ClusterChoiceError(
        'with several --cluster, each option must follow the --cluster that it is of',
      );
    }
    const names = [first, ...others].map(({ name }) => name);
    if (new Set(names).size < names.length)
      throw new ClusterChoiceError('each --cluster must have its own name');
    if ([first, ...others].filter(({ lab }) => lab.length > 0).length > 1)
      throw new ClusterChoiceError('only one --cluster can be a --lab');
    const choice = (told: Told) => choiceOf(told.name ?? '', told, node);
    return [choice(first), ...others.map(choice)];
  }
}

function choiceOf(name: string, told: Told, node: string): ClusterChoice {
  const given = [told.lab, told.pcap, told.interface].filter(({ length }) => length > 0);
  if (given.length !== 1 || told.lab.length > 1)
    throw new ClusterChoiceError(`give cluster ${name} one of --lab, --pcap and --interface`);
  const [lab] = told.lab;
  const traffic: TrafficChoice =
    lab !== undefined
      ? { kind: 'lab', definition: lab }
      : told.pcap.length > 0
        ? { kind: 'captures', files: told.pcap }
        : { kind: 'interfaces', names: told.interface, node };
  return { name, traffic, manifests: told.manifests, kubeConfig: told.kubeConfig };
}

function nothingTold(name: string | undefined): Told {
  return { name, lab: [], pcap: [], interface: [], manifests: [], kubeConfig: undefined };
}

function isEmpty({ lab, pcap, interface: names, manifests, kubeConfig }: Told): boolean {
  return [lab, pcap, names, manifests].every(({ length }) => length === 0) && kubeConfig === undefined;
}

function merged(a: Told, b: Told): Told {
  return {
    name: b.name,
    lab: [...a.lab, ...b.lab],
    pcap: [...a.pcap, ...b.pcap],
    interface: [...a.interface, ...b.interface],
    manifests: [...a.manifests, ...b.manifests],
    kubeConfig: b.kubeConfig ?? a.kubeConfig,
  };
}
