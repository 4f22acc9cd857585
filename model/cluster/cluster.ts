import { Controllers } from './controllers.js';
import { type BindingState, type ChangeKind, AddressBinding } from './address-binding.js';
import { canonicalLabels, identityOf } from './identity.js';
import { ExternalNames } from './external-names.js';
import { type AddressKind, IdentityIndex } from './identity-index.js';
import { NetworkSets } from './network-sets.js';
import { nodeAddresses } from './node-addresses.js';
import { NodeRanges } from './node-ranges.js';
import {
  type BlockAffinity,
  type KubernetesObject,
  type Node,
  objectKey,
  type Pod,
  type Service,
} from './objects.js';
import { createdAt } from './pod-times.js';
import { serviceAddresses } from './service-addresses.js';
import { nodeKey, Pods } from './pods.js';
import { EVERY_NODE, PortIndex } from './port-index.js';
import { ProcessIndex } from './process-index.js';
import { protocolNumber, TCP } from '../net/protocol.js';

/** Labels of a Node that name its zone, newest first (Kubernetes well-known labels). */
const ZONE_LABELS = ['topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone'];

/** A part of an object that cannot be used. */
export interface ClusterProblem {
  readonly object: string;
  readonly field: string;
  readonly reason: string;
}

/**
 * The identities of a cluster: applies Kubernetes objects as they are added, changed and deleted, and looks up
 * the owners of addresses over time (`identities`), of ports of nodes (`ports`) and of processes (`processes`), and the network
 * sets that contain an address (`networkSets`). Does no I/O.
 */
export class Cluster {
  readonly identities = new IdentityIndex();
  readonly ports = new PortIndex(this.identities);
  readonly processes = new ProcessIndex(this.identities);
  readonly networkSets = new NetworkSets();
  /** Nodes of pods that are not reported yet. */
  readonly nodeRanges = new NodeRanges();
  readonly externalNames = new ExternalNames();
  /** Parts of objects that cannot be used; the reader may clear it. */
  readonly problems: ClusterProblem[] = [];
  readonly #zones = new Map<string, string>();
  readonly #controllers = new Controllers();
  readonly #pods = new Pods(this, {
    controllers: this.#controllers,
    zoneOf: (node) => this.#zones.get(node) ?? '',
  });
  /** The bindings of nodes and services. */
  readonly #bindings = new Map<
    string,
    { readonly uid: string | undefined; readonly binding: AddressBinding }
  >();

  /** Applies objects as they were at `atMs`, those that others refer to first. */
  applyAll(objects: readonly KubernetesObject[], atMs: number): void {
    const referredTo = (object: KubernetesObject) => object.kind !== 'Pod' && object.kind !== 'Service';
    for (const object of objects) if (referredTo(object)) this.apply(object, atMs);
    for (const object of objects) if (!referredTo(object)) this.apply(object, atMs);
  }

  /**
   * Applies one object as it was at `atMs`, new or changed. An unchanged object changes nothing. Kinds without
   * identities are ignored.
   */
  apply(object: KubernetesObject, atMs: number): void {
    switch (object.kind) {
      case 'Node':
        this.#applyNode(object as Node, atMs);
        break;
      case 'Pod':
        this.#report(object, 'status.podIPs', this.#pods.apply(object as Pod, atMs));
        break;
      case 'Service':
        this.#bind(object, 'spec.clusterIPs', serviceBinding(object as Service), atMs);
        this.externalNames.apply(object as Service, atMs);
        break;
      case 'BlockAffinity': {
        const { cidr, node = '', state, deleted } = (object as BlockAffinity).spec ?? {};
        // Other states are steps of assigning a block to a node or of releasing it.
        const isAssigned = state === 'confirmed' && String(deleted) !== 'true';
        const cidrs = cidr !== undefined && isAssigned ? [cidr] : [];
        this.#report(object, 'spec.cidr', this.nodeRanges.setBlock(object.metadata.name, node, cidrs));
        break;
      }
      case 'NetworkSet':
      case 'GlobalNetworkSet':
        for (const { field, reason } of this.networkSets.set(object)) this.#report(object, field, [reason]);
        break;
      case 'ReplicaSet':
      case 'Job': {
        const key = this.#controllers.apply(object);
        if (key !== undefined) this.#pods.relatedChanged(key, atMs, 'correction');
        break;
      }
    }
  }

  /** Removes an object that was gone by `atMs`. Its past bindings stay until {@link forget} drops them. */
  remove(object: KubernetesObject, atMs: number): void {
    switch (object.kind) {
      case 'Pod':
        this.#pods.remove(object as Pod, atMs);
        break;
      case 'Node':
      case 'Service': {
        const keys = (['own', 'virtual'] as const).map((addressKind) => bindingKey(object, addressKind));
        const held = keys.flatMap((key) => this.#bindings.get(key) ?? []);
        if (held.some(({ uid }) => uid !== object.metadata.uid)) return;
        for (const { binding } of held) binding.end(atMs);
        for (const key of keys) this.#bindings.delete(key);
        if (object.kind === 'Node') {
          this.#zones.delete(object.metadata.name);
          this.nodeRanges.setPodCidrs(object.metadata.name, []);
        } else this.externalNames.apply(object as Service, atMs, false);
        break;
      }
      case 'BlockAffinity':
        this.nodeRanges.setBlock(object.metadata.name, '', []);
        break;
      case 'NetworkSet':
      case 'GlobalNetworkSet':
        this.networkSets.remove(object);
        break;
      case 'ReplicaSet':
      case 'Job':
        this.#controllers.remove(object);
        break;
    }
  }

  /** Removes identities without an address, port or process at `beforeMs` or later. */
  forget(beforeMs: number): void {
    this.identities.forget(beforeMs);
    this.ports.forget(beforeMs);
    this.processes.forget(beforeMs);
    this.externalNames.forget(beforeMs);
  }

  #applyNode(node: Node, atMs: number): void {
    const { name, labels = {} } = node.metadata;
    const zone = ZONE_LABELS.map((label) => labels[label]).find((value) => value !== undefined) ?? '';
    const before = this.#zones.get(name);
    this.#zones.set(name, zone);
    const { own, derived } = nodeAddresses(node);
    const identity = {
      ...identityOf('node', node),
      labels: canonicalLabels(labels, () => true),
      node: name,
      zone,
    };
    const fromMs = createdAt(node);
    const { podCIDR = '', podCIDRs = [podCIDR] } = node.spec ?? {};
    const ranges = podCIDRs.filter(Boolean);
    this.#report(node, 'spec.podCIDRs', this.nodeRanges.setPodCidrs(name, ranges));
    const state = { identity, ports: [], processes: [], fromMs, sureMs: fromMs };
    this.#bind(node, 'status.addresses', { ...state, addressKind: 'own', addresses: own }, atMs);
    this.#bind(node, 'spec.podCIDRs', { ...state, addressKind: 'virtual', addresses: derived }, atMs);
    if (zone === before) return;
    const difference: ChangeKind = before === undefined ? 'correction' : 'change';
    this.#pods.relatedChanged(nodeKey(name), atMs, difference);
  }

  #bind(object: KubernetesObject, field: string, state: BindingState, atMs: number): void {
    const key = bindingKey(object, state.addressKind);
    const { uid } = object.metadata;
    let bound = this.#bindings.get(key);
    if (bound && bound.uid !== uid) {
      bound.binding.end(Math.min(atMs, state.fromMs === 0 ? atMs : state.fromMs));
      bound = undefined;
    }
    if (!bound) {
      bound = { uid, binding: new AddressBinding(this) };
      this.#bindings.set(key, bound);
    }
    this.#report(object, field, bound.binding.update(state, atMs));
  }

  #report(object: KubernetesObject, field: string, reasons: readonly string[]): void {
    const { namespace, name } = object.metadata;
    for (const reason of reasons) {
      this.problems.push({
        object: `${object.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`,
        field,
        reason,
      });
    }
  }
}

/** The key of a binding: nodes have one for each kind of address. */
function bindingKey(object: KubernetesObject, addressKind: AddressKind): string {
  return `${addressKind} ${objectKey(object)}`;
}

function serviceBinding(service: Service): BindingState {
  const { ports = [] } = service.spec ?? {};
  const fromMs = createdAt(service);
  return {
    identity: {
      ...identityOf('service', service),
      labels: canonicalLabels(service.metadata.labels, () => true),
    },
    addressKind: 'virtual',
    addresses: serviceAddresses(service),
    ports: ports.flatMap(({ nodePort, protocol }) =>
      nodePort === undefined
        ? []
        : [{ node: EVERY_NODE, protocol: protocolNumber(protocol ?? 'TCP') ?? TCP, port: nodePort }],
    ),
    processes: [],
    fromMs,
    sureMs: fromMs,
  };
}
