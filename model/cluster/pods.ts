import { type Controllers, controllerKeyOf } from './controllers.js';
import { type BindingState, type ChangeKind, AddressBinding, type Indexes } from './address-binding.js';
import { canonicalLabels, identityOf } from './identity.js';
import { namespacedName, type Pod } from './objects.js';
import { containersEnded, createdAt, bindingStart, isFinished } from './pod-times.js';
import { processName } from './process-index.js';
import { protocolNumber, TCP } from '../net/protocol.js';

/** A pod that is there, and what it holds. */
interface Entry {
  pod: Pod;
  readonly holding: AddressBinding;
  ended: boolean;
}

/** What pods need to know of other objects. */
interface Surroundings {
  readonly controllers: Controllers;
  readonly zoneOf: (node: string) => string;
}

/** The pods of a cluster, each with its holding. */
export class Pods {
  readonly #entries = new Map<string, Entry>();
  /** The pods of each node and of each controller. */
  readonly #related = new Map<string, Set<Entry>>();

  constructor(
    private readonly indexes: Indexes,
    private readonly surroundings: Surroundings,
  ) {}

  /** Takes in a pod as it was at `atMs`; returns why addresses of it cannot be used. */
  apply(pod: Pod, atMs: number): string[] {
    const key = namespacedName(pod.metadata);
    let entry = this.#entries.get(key);
    if (entry && entry.pod.metadata.uid !== pod.metadata.uid) {
      // Of two pods of one name the former was gone before the newer was made, whatever was missed of that.
      this.#end(entry, createdAt(pod) === 0 ? atMs : Math.min(atMs, createdAt(pod)));
      this.#drop(key, entry);
      entry = undefined;
    }
    if (entry?.ended === true) return [];
    const known = entry !== undefined;
    if (!entry) {
      entry = { pod, holding: new AddressBinding(this.indexes), ended: false };
      this.#entries.set(key, entry);
    } else this.#relate(entry, 'no more');
    entry.pod = pod;
    this.#relate(entry, 'now');
    if (!isFinished(pod)) return entry.holding.update(this.#claim(pod), atMs);
    const end = containersEnded(pod);
    // A pod that is only met after its end is worth keeping where it is known when that was.
    const problems = known || end === undefined ? [] : entry.holding.update(this.#claim(pod), atMs);
    this.#end(entry, Math.min(atMs, end ?? atMs));
    return problems;
  }

  /** Takes out a pod that was gone by `atMs`. One of the same name that came after it stays. */
  remove(pod: Pod, atMs: number): void {
    const key = namespacedName(pod.metadata);
    const entry = this.#entries.get(key);
    if (!entry || entry.pod.metadata.uid !== pod.metadata.uid) return;
    this.#end(entry, Math.min(atMs, containersEnded(pod) ?? atMs));
    this.#drop(key, entry);
  }

  /** Must be called when more is known of a node or controller than was, or when it changed at `atMs`. */
  relatedChanged(key: string, atMs: number, difference: ChangeKind): void {
    for (const entry of this.#related.get(key) ?? []) {
      if (!entry.ended) entry.holding.update(this.#claim(entry.pod), atMs, difference);
    }
  }

  #claim(pod: Pod): BindingState {
    const { controllers, zoneOf } = this.surroundings;
    const { name: workload, kind: workloadKind } = controllers.workloadOf(pod);
    const node = pod.spec?.nodeName ?? '';
    const onHost = pod.spec?.hostNetwork === true;
    const identity = {
      ...identityOf(onHost ? 'host_network_pod' : 'pod', pod),
      workload,
      workloadKind,
      serviceAccount: pod.spec?.serviceAccountName ?? 'default',
      labels: canonicalLabels(pod.metadata.labels),
      node,
      zone: zoneOf(node),
    };
    const began = bindingStart(pod);
    // A host-network pod's address is its node's, and every other such pod's: only its ports are its own.
    if (onHost)
      return {
        identity,
        pod,
        addressKind: 'own',
        addresses: [],
        ports: portsOf(pod, node),
        processes: processesOf(pod, node),
        ...began,
      };
    const addresses = (pod.status?.podIPs ?? [{ ip: pod.status?.podIP ?? '' }]).map(({ ip }) => ip);
    return {
      identity,
      pod,
      addressKind: 'own',
      addresses: addresses.filter(Boolean),
      ports: [],
      processes: [],
      ...began,
    };
  }

  #end(entry: Entry, toMs: number): void {
    entry.holding.end(toMs);
    entry.ended = true;
  }

  #drop(key: string, entry: Entry): void {
    this.#relate(entry, 'no more');
    this.#entries.delete(key);
  }

  #relate(entry: Entry, to: 'now' | 'no more'): void {
    for (const key of [nodeKey(entry.pod.spec?.nodeName ?? ''), controllerKeyOf(entry.pod)]) {
      if (key === undefined) continue;
      let set = this.#related.get(key);
      if (to === 'now') {
        if (!set) this.#related.set(key, (set = new Set()));
        set.add(entry);
      } else {
        set?.delete(entry);
        if (set?.size === 0) this.#related.delete(key);
      }
    }
  }
}

/** The key of a node among what pods are related to. */
export function nodeKey(name: string): string {
  return `Node//${name}`;
}

/** The ports that a pod on its node's network listens on. */
function portsOf(pod: Pod, node: string): BindingState['ports'] {
  if (node === '') return [];
  return (pod.spec?.containers ?? []).flatMap(({ ports = [] }) =>
    ports.map(({ containerPort, protocol }) => ({
      node,
      protocol: protocolNumber(protocol ?? 'TCP') ?? TCP,
      port: containerPort,
    })),
  );
}

/** Programs that run others, and so say nothing of what they run. */
const INTERPRETERS = new Set([
  'sh',
  'bash',
  'ash',
  'dash',
  'env',
  'tini',
  'dumb-init',
  'java',
  'node',
  'python3',
  'python',
  'ruby',
  'perl',
]);

/**
 * The processes that a pod on its node's network may be known by: its containers' names, and the programs that they
 * are told to run.
 */
function processesOf(pod: Pod, node: string): BindingState['processes'] {
  if (node === '') return [];
  const names = (pod.spec?.containers ?? []).flatMap(({ name = '', command: [program = ''] = [] }) => [
    processName(name),
    processName(program.slice(program.lastIndexOf('/') + 1)),
  ]);
  return [...new Set(names)]
    .filter((name) => name !== '' && !INTERPRETERS.has(name))
    .map((name) => ({ node, name }));
}
