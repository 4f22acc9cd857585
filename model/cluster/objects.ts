/**
 * The Kubernetes objects that identity is read from, reduced to the fields that Sonde uses
 * (Kubernetes API reference, core/v1, apps/v1, discovery.k8s.io/v1). Policy kinds live in `policy/resources/`.
 */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly ownerReferences?: readonly OwnerReference[];
  /** Kept of policies and what they look at, to tell versions apart and who made them. */
  readonly resourceVersion?: string;
  readonly managedFields?: readonly ManagedFields[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Who changed fields of an object last and when (Kubernetes API reference, ManagedFieldsEntry). */
export interface ManagedFields {
  /** The program, for example `kubectl-client-side-apply`; the API server tells of no user. */
  readonly manager?: string;
  readonly operation?: string;
  readonly time?: string;
  /** Empty or absent for the object itself, else for example `status`. */
  readonly subresource?: string;
  /** The fields that the change wrote; only annotations are used. */
  readonly fieldsV1?: {
    readonly 'f:metadata'?: { readonly 'f:annotations'?: Readonly<Record<string, unknown>> };
  };
}

export interface OwnerReference {
  readonly kind: string;
  readonly name: string;
  readonly controller?: boolean;
}

/** Any object of the API as it stands in a manifest: kind, name, and whatever else. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** Identifies an object among all objects of a cluster: `apiVersion kind namespace/name`. */
export function objectKey({ apiVersion, kind, metadata }: KubernetesObject): string {
  return `${apiVersion} ${kind} ${namespacedName(metadata)}`;
}

/** Identifies an object among those of its kind: `namespace/name`, with an empty namespace if it has none. */
export function namespacedName({ namespace = '', name }: Pick<ObjectMeta, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

export interface Pod extends KubernetesObject {
  readonly kind: 'Pod';
  readonly spec?: {
    readonly nodeName?: string;
    readonly hostNetwork?: boolean;
    readonly serviceAccountName?: string;
    readonly containers?: readonly {
      /** Kept, as `command` is, of pods on their node's network. */
      readonly name?: string;
      readonly command?: readonly string[];
      readonly ports?: readonly ContainerPort[];
    }[];
    readonly initContainers?: readonly {
      readonly ports?: readonly ContainerPort[];
      /** `Always` for sidecars. */
      readonly restartPolicy?: string;
    }[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly startTime?: string;
    readonly podIP?: string;
    readonly podIPs?: readonly { readonly ip: string }[];
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastTransitionTime?: string;
    }[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol?: string;
  /** The port of the node that leads to the container, at `hostIP` or at every address of the node. */
  readonly hostPort?: number;
  readonly hostIP?: string;
}

export interface ContainerStatus {
  readonly state?: {
    readonly running?: { readonly startedAt?: string };
    readonly terminated?: { readonly startedAt?: string; readonly finishedAt?: string };
  };
}

export interface Node extends KubernetesObject {
  readonly kind: 'Node';
  readonly spec?: { readonly podCIDR?: string; readonly podCIDRs?: readonly string[] };
  readonly status?: { readonly addresses?: readonly { readonly type: string; readonly address: string }[] };
}

/** A block of addresses that Calico assigned to a node for its pods. */
export interface BlockAffinity extends KubernetesObject {
  readonly kind: 'BlockAffinity';
  readonly spec?: {
    readonly cidr?: string;
    readonly node?: string;
    readonly state?: string;
    /** Text in the datastore, a boolean in the API. */
    readonly deleted?: string | boolean;
  };
}

export interface Service extends KubernetesObject {
  readonly kind: 'Service';
  readonly spec?: {
    readonly type?: string;
    readonly clusterIP?: string;
    readonly clusterIPs?: readonly string[];
    readonly externalIPs?: readonly string[];
    readonly externalName?: string;
    readonly ports?: readonly {
      readonly name?: string;
      readonly port: number;
      readonly protocol?: string;
      readonly targetPort?: number | string;
      readonly nodePort?: number;
    }[];
  };
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly {
        readonly ip?: string;
        /** `VIP` if absent: nodes translate the address. */
        readonly ipMode?: string;
      }[];
    };
  };
}
