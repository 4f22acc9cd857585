/** The naive evaluator's own model of a cluster, structured like the manifests. */
export type Labels = Readonly<Record<string, string>>;

export interface Snapshot {
  readonly namespaces: readonly { readonly name: string; readonly labels: Labels }[];
  readonly pods: readonly Pod[];
  readonly sets: readonly NetworkSet[];
  readonly tiers: readonly Tier[];
  readonly policies: readonly Policy[];
}

export interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly serviceAccount: string;
  readonly ip: string;
  readonly ports: readonly { readonly name: string; readonly protocol: string; readonly port: number }[];
}

export interface NetworkSet {
  /** Empty if global. */
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly nets: readonly string[];
}

export interface Tier {
  readonly name: string;
  readonly order?: number;
  readonly defaultAction: 'Deny' | 'Pass';
}

export type Policy =
  | {
      readonly api: 'kubernetes';
      readonly namespace: string;
      readonly name: string;
      readonly spec: NetworkPolicySpec;
    }
  | { readonly api: 'admin'; readonly kind: AdminKind; readonly name: string; readonly spec: AdminSpec }
  | {
      readonly api: 'calico';
      readonly kind: CalicoKind;
      readonly namespace: string;
      readonly name: string;
      readonly spec: CalicoSpec;
    };

export type AdminKind = 'AdminNetworkPolicy' | 'BaselineAdminNetworkPolicy' | 'ClusterNetworkPolicy';
export type CalicoKind =
  'NetworkPolicy' | 'GlobalNetworkPolicy' | 'StagedNetworkPolicy' | 'StagedGlobalNetworkPolicy';

export interface LabelSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

export interface NetworkPolicySpec {
  readonly podSelector?: LabelSelector;
  readonly policyTypes?: readonly string[];
  readonly ingress?: readonly NetworkPolicyRule[];
  readonly egress?: readonly NetworkPolicyRule[];
}

export interface NetworkPolicyRule {
  readonly from?: readonly NetworkPolicyPeer[];
  readonly to?: readonly NetworkPolicyPeer[];
  readonly ports?: readonly {
    readonly protocol?: string;
    readonly port?: number | string;
    readonly endPort?: number;
  }[];
}

export interface NetworkPolicyPeer {
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}

export interface AdminSpec {
  readonly tier?: 'Admin' | 'Baseline';
  readonly priority?: number;
  readonly subject: AdminPeer;
  readonly ingress?: readonly AdminRule[];
  readonly egress?: readonly AdminRule[];
}

export interface AdminRule {
  readonly action: string;
  readonly from?: readonly AdminPeer[];
  readonly to?: readonly AdminPeer[];
  /** Of v1alpha1. */
  readonly ports?: readonly {
    readonly portNumber?: { readonly protocol: string; readonly port: number };
    readonly portRange?: { readonly protocol: string; readonly start: number; readonly end: number };
    readonly namedPort?: string;
  }[];
  /** Of v1alpha2. */
  readonly protocols?: readonly {
    readonly tcp?: { readonly destinationPort: AdminPortMatch };
    readonly udp?: { readonly destinationPort: AdminPortMatch };
    readonly destinationNamedPort?: string;
  }[];
}

export interface AdminPortMatch {
  readonly number?: number;
  readonly range?: { readonly start: number; readonly end: number };
}

export interface AdminPeer {
  readonly namespaces?: LabelSelector;
  readonly pods?: { readonly namespaceSelector: LabelSelector; readonly podSelector: LabelSelector };
  readonly networks?: readonly string[];
  /** A field that no version of the API defines. */
  readonly moons?: object;
}

export interface CalicoSpec {
  readonly tier?: string;
  readonly order?: number;
  readonly selector?: Expression;
  readonly namespaceSelector?: Expression;
  readonly serviceAccountSelector?: Expression;
  readonly types?: readonly string[];
  readonly ingress?: readonly CalicoRule[];
  readonly egress?: readonly CalicoRule[];
}

export interface CalicoRule {
  readonly action: 'Allow' | 'Deny' | 'Pass' | 'Log';
  readonly ipVersion?: number;
  readonly protocol?: string;
  readonly notProtocol?: string;
  readonly source?: CalicoEntity;
  readonly destination?: CalicoEntity;
}

export interface CalicoEntity {
  readonly selector?: Expression;
  readonly notSelector?: Expression;
  readonly namespaceSelector?: Expression;
  readonly serviceAccounts?: { readonly names?: readonly string[]; readonly selector?: Expression };
  readonly nets?: readonly string[];
  readonly notNets?: readonly string[];
  readonly ports?: readonly (number | string)[];
  readonly notPorts?: readonly (number | string)[];
}

/** A Calico selector as a tree; in manifests it is a string. */
export type Expression =
  | readonly ['all' | 'global']
  | readonly ['has', string]
  | readonly ['==' | '!=' | 'contains' | 'starts with' | 'ends with', string, string]
  | readonly ['in' | 'not in', string, readonly string[]]
  | readonly ['!', Expression]
  | readonly ['&&' | '||', Expression, Expression];

export interface Connection {
  readonly from: Pod | string;
  readonly to: Pod | string;
  readonly protocol: string;
  readonly port: number;
  readonly sourcePort: number;
}

export type Verdict = 'allow' | 'deny';
