import type {
  ContainerStatus,
  KubernetesObject,
  ManagedFields,
  Node,
  ObjectMeta,
  Pod,
} from '@sonde/model/cluster/objects';
import { CHANGED_BY_ANNOTATION } from '@sonde/model/policy/history/object-version';

/** An object without what Sonde does not look at, so that memory holds only what is of use. */
export function pruneObject(object: KubernetesObject): KubernetesObject {
  const { apiVersion, kind } = object;
  const reduced = { apiVersion, kind, metadata: reduceMetadata(object.metadata) };
  const { spec, status, ...rest } = object as KubernetesObject & { spec?: unknown; status?: unknown };
  switch (kind) {
    case 'Pod':
      return { ...reduced, ...reducePod(object as Pod) };
    case 'Namespace':
    case 'ServiceAccount':
      return withHistory(reduced, object);
    case 'ReplicaSet':
    case 'Job':
      return reduced;
    case 'Node': {
      const { addresses } = (status ?? {}) as { addresses?: unknown };
      const { podCIDR, podCIDRs } = (spec ?? {}) as NonNullable<Node['spec']>;
      return { ...reduced, ...{ spec: { podCIDR, podCIDRs }, status: { addresses } } };
    }
    case 'Service':
      return { ...withHistory(reduced, object), ...{ spec, status } };
    case 'EndpointSlice': {
      const { ports, endpoints = [] } = rest as { ports?: unknown; endpoints?: readonly Endpoint[] | null };
      return {
        ...reduced,
        ...{ ports, endpoints: (endpoints ?? []).map(({ addresses }) => ({ addresses })) },
      };
    }
    default:
      return { ...withHistory(reduced, object), ...{ spec } };
  }
}

/** The reduced object with what says which version of it this is, and who made it so when. */
function withHistory(reduced: KubernetesObject, { metadata }: KubernetesObject): KubernetesObject {
  const { resourceVersion, managedFields, annotations } = metadata;
  const by = annotations?.[CHANGED_BY_ANNOTATION];
  return {
    ...reduced,
    metadata: {
      ...reduced.metadata,
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(managedFields === undefined ? {} : { managedFields: managedFields.map(reduceManagedFields) }),
      ...(by === undefined ? {} : { annotations: { [CHANGED_BY_ANNOTATION]: by } }),
    },
  };
}

function reduceManagedFields({ manager, operation, time, subresource }: ManagedFields): ManagedFields {
  return {
    ...(manager === undefined ? {} : { manager }),
    ...(operation === undefined ? {} : { operation }),
    ...(time === undefined ? {} : { time }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

interface Endpoint {
  readonly addresses: readonly string[];
}

function reduceMetadata(metadata: ObjectMeta): ObjectMeta {
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

type Container = NonNullable<NonNullable<Pod['spec']>['containers']>[number];

function reducePod(pod: Pod): Pick<Pod, 'spec' | 'status'> {
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
      // What a pod on its node's network can be told by besides its ports.
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
    initContainerStatuses: initContainerStatuses?.map(reduceStatus),
    containerStatuses: containerStatuses?.map(reduceStatus),
  };
  // Fields that are absent stand here as undefined, which readers take for absent.
  return { spec, status } as Pick<Pod, 'spec' | 'status'>;
}

function reduceStatus({ state }: ContainerStatus): ContainerStatus {
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
