import { AddressError, parseAddress } from './address.js';
import { type EndpointIdentity, canonicalLabels } from './identity.js';
import { IdentityIndex } from './identity-index.js';
import { NetworkSets, type NetworkSetObject } from './network-sets.js';
import type { KubernetesObject, Node, Pod, Service } from './objects.js';

/** Labels of a Node that name its zone, newest first (Kubernetes well-known labels). */
const ZONE_LABELS = ['topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone'];

/** Phases in which a pod has given up its address, though its status may still name it. */
const FINISHED_PHASES = new Set(['Succeeded', 'Failed']);

/** What could not be used of an object: which one, which field, and why. */
export interface ClusterProblem {
  readonly object: string;
  readonly field: string;
  readonly reason: string;
}

/**
 * A cluster as seen from its addresses: takes in Kubernetes objects, answers through `identities` who held an
 * address when and through `networkSets` which sets hold one. Pure; who reads objects from where is not its
 * concern.
 */
export class Cluster {
  readonly identities = new IdentityIndex();
  readonly networkSets = new NetworkSets();
  readonly problems: ClusterProblem[] = [];
  readonly #zones = new Map<string, string>();
  readonly #controllers = new Map<string, { kind: string; name: string }>();

  /** Takes in objects in any order; those that others refer to (nodes, controllers) are read first. */
  applyAll(objects: readonly KubernetesObject[]): void {
    const referredTo = (object: KubernetesObject) => object.kind !== 'Pod' && object.kind !== 'Service';
    for (const object of objects) if (referredTo(object)) this.apply(object);
    for (const object of objects) if (!referredTo(object)) this.apply(object);
  }

  /** Takes in one object. Kinds that say nothing of identity are passed over. */
  apply(object: KubernetesObject): void {
    switch (object.kind) {
      case 'Node':
        this.#applyNode(object as Node);
        break;
      case 'Pod':
        this.#applyPod(object as Pod);
        break;
      case 'Service':
        this.#applyService(object as Service);
        break;
      case 'NetworkSet':
      case 'GlobalNetworkSet':
        this.#applyNetworkSet(object);
        break;
      case 'ReplicaSet':
      case 'Job':
        this.#applyController(object);
        break;
    }
  }

  #applyNode(node: Node): void {
    const labels = node.metadata.labels ?? {};
    const zone = ZONE_LABELS.map((label) => labels[label]).find((value) => value !== undefined) ?? '';
    this.#zones.set(node.metadata.name, zone);
    const addresses = (node.status?.addresses ?? []).filter(({ type }) => type.endsWith('IP'));
    const identity: EndpointIdentity = {
      ...named('node', node),
      labels: canonicalLabels(labels),
      node: node.metadata.name,
      zone,
    };
    this.#hold(
      node,
      identity,
      'status.addresses',
      addresses.map(({ address }) => address),
      createdAt(node),
    );
  }

  #applyPod(pod: Pod): void {
    const addresses = (pod.status?.podIPs ?? [{ ip: pod.status?.podIP ?? '' }])
      .map(({ ip }) => ip)
      .filter(Boolean);
    // A host-network pod's address is its node's, and every other such pod's: it names nobody.
    if (pod.spec?.hostNetwork === true || FINISHED_PHASES.has(pod.status?.phase ?? '')) return;
    const workload = this.#workloadOf(pod);
    const node = pod.spec?.nodeName ?? '';
    const identity: EndpointIdentity = {
      ...named('pod', pod),
      workload: workload.name,
      workloadKind: workload.kind,
      serviceAccount: pod.spec?.serviceAccountName ?? 'default',
      labels: canonicalLabels(pod.metadata.labels),
      node,
      zone: this.#zones.get(node) ?? '',
    };
    this.#hold(pod, identity, 'status.podIPs', addresses, time(pod.status?.startTime) ?? createdAt(pod));
  }

  #applyService(service: Service): void {
    const { clusterIP, clusterIPs, externalIPs } = service.spec ?? {};
    const balancers = (service.status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip ?? '');
    const addresses = [...(clusterIPs ?? [clusterIP ?? '']), ...(externalIPs ?? []), ...balancers];
    const identity: EndpointIdentity = {
      ...named('service', service),
      labels: canonicalLabels(service.metadata.labels),
    };
    const held = addresses.filter((address) => address !== '' && address !== 'None');
    this.#hold(service, identity, 'spec.clusterIPs', held, createdAt(service));
  }

  #applyNetworkSet(set: NetworkSetObject): void {
    for (const { field, reason } of this.networkSets.add(set)) this.#report(set, field, reason);
  }

  #applyController(object: KubernetesObject): void {
    const owner = controllerOf(object);
    if (owner)
      this.#controllers.set(
        controllerKey(object.metadata.namespace, object.kind, object.metadata.name),
        owner,
      );
  }

  /** The workload at the top of a pod's owner chain; a pod that nothing owns is its own. */
  #workloadOf(pod: Pod): { kind: string; name: string } {
    const owner = controllerOf(pod);
    if (!owner) return { kind: 'Pod', name: pod.metadata.name };
    const above = this.#controllers.get(controllerKey(pod.metadata.namespace, owner.kind, owner.name));
    if (above) return above;
    // A ReplicaSet that a Deployment made is named <deployment>-<pod-template-hash> (kube-controller-manager).
    const hash = pod.metadata.labels?.['pod-template-hash'];
    if (owner.kind === 'ReplicaSet' && hash !== undefined && owner.name.endsWith(`-${hash}`)) {
      return { kind: 'Deployment', name: owner.name.slice(0, -hash.length - 1) };
    }
    return owner;
  }

  #hold(
    object: KubernetesObject,
    identity: EndpointIdentity,
    field: string,
    addresses: string[],
    fromMs: number,
  ): void {
    const owner = this.identities.add(identity);
    for (const address of addresses) {
      try {
        this.identities.assign(parseAddress(address), owner, fromMs);
      } catch (error) {
        if (!(error instanceof AddressError)) throw error;
        this.#report(object, field, error.message);
      }
    }
  }

  #report(object: KubernetesObject, field: string, reason: string): void {
    const { namespace, name } = object.metadata;
    this.problems.push({
      object: `${object.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`,
      field,
      reason,
    });
  }
}

function named(kind: EndpointIdentity['kind'], object: KubernetesObject): EndpointIdentity {
  return {
    kind,
    namespace: object.metadata.namespace ?? '',
    name: object.metadata.name,
    workload: '',
    workloadKind: '',
    serviceAccount: '',
    labels: '',
    node: '',
    zone: '',
  };
}

function controllerOf(object: KubernetesObject): { kind: string; name: string } | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller !== false);
}

function controllerKey(namespace: string | undefined, kind: string, name: string): string {
  return `${kind}/${namespace ?? ''}/${name}`;
}

/** When the object began to exist; the beginning of time where a manifest does not say. */
function createdAt(object: KubernetesObject): number {
  return time(object.metadata.creationTimestamp) ?? 0;
}

function time(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const parsed = Date.parse(text);
  return Number.isNaN(parsed) ? undefined : parsed;
}
