import { toCalicoApi } from '@sonde/model/cluster/calico-object';
import type {
  ContainerStatus,
  KubernetesObject,
  ManagedFields,
  Node,
  ObjectMeta,
  Pod,
} from '@sonde/model/cluster/objects';
import { NETWORK_STATUS_ANNOTATION, secondaryAddresses } from '@sonde/model/cluster/pod-addresses';
import { addressAnnotations } from '@sonde/model/cluster/node-addresses';
import { CHANGED_BY_ANNOTATION, ownsAuthor } from '@sonde/model/policy/history/object-version';

/** An object without the fields that Sonde does not use, and with the metadata that Calico's API shows. */
export function pruneObject(given: KubernetesObject): KubernetesObject {
  const object = toCalicoApi(given);
  const { apiVersion, kind } = object;
  const pruned = { apiVersion, kind, metadata: pruneMetadata(object.metadata) };
  const { spec, status, ...rest } = object as KubernetesObject & { spec?: unknown; status?: unknown };
  switch (kind) {
    case 'Pod':
      return { ...withNetworks(pruned, object as Pod), ...prunePod(object as Pod) };
    case 'Namespace':
    case 'ServiceAccount':
      return withHistory(pruned, object);
    case 'ReplicaSet':
    case 'Job':
      return pruned;
    case 'Node': {
      const { addresses } = (status ?? {}) as { addresses?: unknown };
      const { podCIDR, podCIDRs } = (spec ?? {}) as NonNullable<Node['spec']>;
      const annotations = addressAnnotations(object.metadata.annotations);
      const metadata = { ...pruned.metadata, ...(annotations && { annotations }) };
      return { ...pruned, ...{ metadata, spec: { podCIDR, podCIDRs }, status: { addresses } } };
    }
    case 'Service':
      return { ...withHistory(pruned, object), ...{ spec, status } };
    case 'EndpointSlice': {
      const { ports, endpoints = [] } = rest as { ports?: unknown; endpoints?: readonly Endpoint[] | null };
      return {
        ...pruned,
        ...{ ports, endpoints: (endpoints ?? []).map(({ addresses }) => ({ addresses })) },
      };
    }
    default:
      return { ...withHistory(pruned, object), ...{ spec } };
  }
}

/** The pruned object with its version and with who changed it when. */
function withHistory(pruned: KubernetesObject, { metadata }: KubernetesObject): KubernetesObject {
  const { resourceVersion, managedFields, annotations } = metadata;
  const by = annotations?.[CHANGED_BY_ANNOTATION];
  return {
    ...pruned,
    metadata: {
      ...pruned.metadata,
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(managedFields === undefined ? {} : { managedFields: managedFields.map(pruneManagedFields) }),
      ...(by === undefined ? {} : { annotations: { [CHANGED_BY_ANNOTATION]: by } }),
    },
  };
}

function pruneManagedFields(change: ManagedFields): ManagedFields {
  const { manager, operation, time, subresource } = change;
  const author = { 'f:metadata': { 'f:annotations': { [`f:${CHANGED_BY_ANNOTATION}`]: {} } } };
  return {
    ...(manager === undefined ? {} : { manager }),
    ...(operation === undefined ? {} : { operation }),
    ...(time === undefined ? {} : { time }),
    ...(subresource === undefined ? {} : { subresource }),
    ...(ownsAuthor(change) ? { fieldsV1: author } : {}),
  };
}

interface Endpoint {
  readonly addresses: readonly string[];
}

function pruneMetadata(metadata: ObjectMeta): ObjectMeta {
  const { name, namespace, uid, labels, creationTimestamp, ownerReferences } = metadata;
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(labels === undefined ? {} : { labels }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(ownerReferences === undefined
      ? {}
      : {
          ownerReferences: ownerReferences.map(({ kind, name: owner, controller }) => ({
            kind,
            name: owner,
            ...(controller === undefined ? {} : { controller }),
          })),
        }),
  };
}

/** The pruned pod with the addresses of its secondary networks, if it has any. */
function withNetworks(pruned: KubernetesObject, pod: Pod): KubernetesObject {
  const ips = secondaryAddresses(pod);
  if (ips.length === 0) return pruned;
  const annotations = { [NETWORK_STATUS_ANNOTATION]: JSON.stringify([{ ips }]) };
  return { ...pruned, metadata: { ...pruned.metadata, annotations } };
}

type Container = NonNullable<NonNullable<Pod['spec']>['containers']>[number];

function prunePod(pod: Pod): Pick<Pod, 'spec' | 'status'> {
  const { nodeName, hostNetwork, serviceAccountName, containers, initContainers } = (pod.spec ??
    {}) as NonNullable<Pod['spec']> & {
    initContainers?: readonly (Container & { restartPolicy?: string })[];
  };
  const { phase, startTime, podIP, podIPs, conditions, initContainerStatuses, containerStatuses } =
    pod.status ?? {};
  const spec = {
    nodeName,
    hostNetwork,
    serviceAccountName,
    containers: containers?.map(({ ports, name, command }) => ({
      ports,
      // A pod on its node's network is recognized by them, besides its ports.
      ...(hostNetwork === true ? { name, command: command?.slice(0, 1) } : {}),
    })),
    initContainers: initContainers
      ?.filter(({ restartPolicy }) => restartPolicy === 'Always')
      .map(({ ports, restartPolicy }) => ({ ports, restartPolicy })),
  };
  const status = {
    phase,
    startTime,
    podIP,
    podIPs,
    conditions: conditions?.filter(({ type }) => type === 'PodReadyToStartContainers'),
    initContainerStatuses: initContainerStatuses?.map(pruneStatus),
    containerStatuses: containerStatuses?.map(pruneStatus),
  };
  // Absent fields are undefined here, which is equivalent for readers.
  return { spec, status } as Pick<Pod, 'spec' | 'status'>;
}

function pruneStatus({ state }: ContainerStatus): ContainerStatus {
  const { running, terminated } = state ?? {};
  const { startedAt, finishedAt } = terminated ?? {};
  return {
    state: {
      ...(running?.startedAt === undefined ? {} : { running: { startedAt: running.startedAt } }),
      ...(terminated
        ? {
            terminated: {
              ...(startedAt === undefined ? {} : { startedAt }),
              ...(finishedAt === undefined ? {} : { finishedAt }),
            },
          }
        : {}),
    },
  };
}
