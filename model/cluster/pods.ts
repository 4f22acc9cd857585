import { type Controllers, controllerKeyOf } from './controllers.js';
import { type BindingState, type ChangeKind, AddressBinding, type Indexes } from './address-binding.js';
import { canonicalLabels, identityOf } from './identity.js';
import { namespacedName, type Pod } from './objects.js';
import { addressesOf, containerPorts } from './pod-addresses.js';
import { containersEnded, createdAt, bindingStart, isFinished } from './pod-times.js';
import { processName } from './process-index.js';
import { protocolNumber, TCP } from '../net/protocol.js';

/** A pod and its address binding. */
interface Entry {
  pod: Pod;
  readonly binding: AddressBinding;
  ended: boolean;
}

/** Lookups of other objects that pods refer to. */
interface RelatedObjects {
  readonly controllers: Controllers;
  readonly zoneOf: (node: string) => string;
}

/** The pods of a cluster, each with its address binding. */
export class Pods {
  readonly #entries = new Map<string, Entry>();
  /** The pods of each node and of each controller. */
  readonly #podsOf = new Map<string, Set<Entry>>();

  constructor(
    private readonly indexes: Indexes,
    private readonly related: RelatedObjects,
  ) {}

  /** Adds or replaces a pod as it was at `atMs`; returns why addresses of it cannot be used. */
  apply(pod: Pod, atMs: number): string[] {
    const key = namespacedName(pod.metadata);
    let entry = this.#entries.get(key);
    if (entry && entry.pod.metadata.uid !== pod.metadata.uid) {
      // Of two pods of one name, the former was gone before the newer was created.
      this.#end(entry, createdAt(pod) === 0 ? atMs : Math.min(atMs, createdAt(pod)));
      this.#drop(key, entry);
      entry = undefined;
    }
    if (entry?.ended === true) return [];
    const known = entry !== undefined;
    if (!entry) {
      entry = { pod, binding: new AddressBinding(this.indexes), ended: false };
      this.#entries.set(key, entry);
    } else this.#relate(entry, 'removed');
    entry.pod = pod;
    this.#relate(entry, 'added');
    if (!isFinished(pod)) return entry.binding.update(this.#stateOf(pod), atMs);
    const end = containersEnded(pod);
    // A pod that is first seen after its end is kept if the time of the end is known.
    const problems = known || end === undefined ? [] : entry.binding.update(this.#stateOf(pod), atMs);
    this.#end(entry, Math.min(atMs, end ?? atMs));
    return problems;
  }

  /** Removes a pod that was gone by `atMs`. A later pod of the same name stays. */
  remove(pod: Pod, atMs: number): void {
    const key = namespacedName(pod.metadata);
    const entry = this.#entries.get(key);
    if (!entry || entry.pod.metadata.uid !== pod.metadata.uid) return;
    this.#end(entry, Math.min(atMs, containersEnded(pod) ?? atMs));
    this.#drop(key, entry);
  }

  /** Updates the pods of a node or controller that changed at `atMs`, or that became known. */
  relatedChanged(key: string, atMs: number, difference: ChangeKind): void {
    for (const entry of this.#podsOf.get(key) ?? []) {
      if (!entry.ended) entry.binding.update(this.#stateOf(entry.pod), atMs, difference);
    }
  }

  #stateOf(pod: Pod): BindingState {
    const { controllers, zoneOf } = this.related;
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
    const state = {
      identity,
      pod,
      addressKind: 'own',
      ports: portsOf(pod, node),
      ...bindingStart(pod),
    } as const;
    // A pod on its node's network shares the node's address: only its ports and processes are its own.
    return onHost
      ? { ...state, addresses: [], processes: processesOf(pod, node) }
      : { ...state, addresses: addressesOf(pod), processes: [] };
  }

  #end(entry: Entry, toMs: number): void {
    entry.binding.end(toMs);
    entry.ended = true;
  }

  #drop(key: string, entry: Entry): void {
    this.#relate(entry, 'removed');
    this.#entries.delete(key);
  }

  #relate(entry: Entry, to: 'added' | 'removed'): void {
    for (const key of [nodeKey(entry.pod.spec?.nodeName ?? ''), controllerKeyOf(entry.pod)]) {
      if (key === undefined) continue;
      let set = this.#podsOf.get(key);
      if (to === 'added') {
        if (!set) this.#podsOf.set(key, (set = new Set()));
        set.add(entry);
      } else {
        set?.delete(entry);
        if (set?.size === 0) this.#podsOf.delete(key);
      }
    }
  }
}

/** The key of a node for {@link Pods.relatedChanged}. */
export function nodeKey(name: string): string {
  return `Node//${name}`;
}

/** The ports of its node that lead to a pod: its own on the node's network, else its host ports. */
function portsOf(pod: Pod, node: string): BindingState['ports'] {
  if (node === '') return [];
  const onHost = pod.spec?.hostNetwork === true;
  return containerPorts(pod).flatMap(({ containerPort, hostPort, hostIP = '', protocol }) => {
    const port = onHost ? containerPort : hostPort;
    if (port === undefined || port === 0 || isLoopback(hostIP)) return [];
    return [{ node, protocol: protocolNumber(protocol ?? 'TCP') ?? TCP, port }];
  });
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

/** Programs that run other programs, and do not identify a pod. */
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
 * Names of the processes that identify a pod on its node's network: its containers' names, and the programs of their
 * commands.
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
