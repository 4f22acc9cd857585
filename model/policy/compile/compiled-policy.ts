import type { AddressFamily } from '../../net/prefix.js';
import type { ServiceFacts } from '../address/services.js';
import type { Selector } from '../selector/selector.js';

/**
 * The one form that policies of every API are compiled into: tiers of policies of rules, Calico's model, of
 * which the Kubernetes APIs use a part. Compiled policies do not change; a changed policy is compiled again.
 */
export interface CompiledPolicy {
  readonly tier: string;
  /** Place within the tier: lower first; Infinity for none given. */
  readonly order: number;
  /** Decides between equal orders: `name/namespace/kind`. */
  readonly sortKey: string;
  /** Whether the API leaves the order of equal priorities undefined. */
  readonly tiesUndefined: boolean;
  /** How traces name the policy, such as `knp:shop/allow-web`. */
  readonly reference: string;
  /** The same with its tier, such as `default|knp:shop/allow-web`. */
  readonly tracePrefix: string;
  readonly staged: boolean;
  readonly subject: PolicySubject;
  /** The rules by direction; undefined if the policy says nothing of the direction. */
  readonly ingress: readonly CompiledRule[] | undefined;
  readonly egress: readonly CompiledRule[] | undefined;
  /** Part of the normal order, or one of Calico's host modes that stand outside it. */
  readonly host: 'local' | 'forward' | 'preDnat' | 'untracked';
}

/** How a compiled policy is ordered and named. */
export type PolicyNames = Pick<CompiledPolicy, 'tier' | 'sortKey' | 'reference' | 'tracePrefix'>;

/** What a policy applies to. */
export type PolicySubject = PodSelection | LabelSelection;

/** Pods and host endpoints by the labels that Calico gives them. */
export interface LabelSelection {
  readonly kind: 'labels';
  /** The one namespace, if only pods of one are meant. */
  readonly namespace: string | undefined;
  readonly selector: Selector;
}

/** Pods by their own labels and those of their namespace, as the Kubernetes APIs select them. */
export interface PodSelection {
  readonly kind: 'pods';
  /** The one namespace, if only pods of one are meant. */
  readonly namespace: string | undefined;
  readonly namespaceSelector: Selector;
  readonly podSelector: Selector;
}

/** A rule matches a connection if its protocol fits and all conditions hold. */
export interface CompiledRule {
  readonly action: 'allow' | 'deny' | 'pass' | 'log';
  readonly family: AddressFamily | undefined;
  readonly protocol: number | undefined;
  readonly notProtocol: number | undefined;
  readonly conditions: readonly RuleCondition[];
  /** Position in the policy's own list, from 0, and the name given there: rules are split when compiled. */
  readonly origin: { readonly index: number; readonly name: string };
}

export type Side = 'source' | 'destination';

/** Conditions on one side's address refer to facts of the address by number; see `address/facts.ts`. */
export type RuleCondition =
  | { readonly kind: 'pods'; readonly side: Side; readonly selection: PodSelection }
  /** `byName`: whether network sets count by their domain names too, as where egress is allowed. */
  | { readonly kind: 'selected'; readonly side: Side; readonly selector: Selector; readonly byName: boolean }
  | { readonly kind: 'notSelected'; readonly side: Side; readonly selector: Selector }
  | { readonly kind: 'nets' | 'notNets'; readonly side: Side; readonly nets: NetFacts }
  | { readonly kind: 'nodes'; readonly side: Side; readonly selector: Selector }
  | { readonly kind: 'domains'; readonly side: Side; readonly facts: readonly number[] }
  | { readonly kind: 'serviceAddress' | 'servicePort'; readonly side: Side; readonly service: ServiceFacts }
  | { readonly kind: 'ports' | 'notPorts'; readonly side: Side; readonly ports: PortSet }
  | { readonly kind: 'icmp' | 'notIcmp'; readonly type: number; readonly code: number | undefined }
  /** HTTP attributes, which no flow shows. */
  | { readonly kind: 'http' };

/** Prefixes by family: a list without a prefix of the packet's family never holds, not even negated. */
export interface NetFacts {
  readonly v4: readonly number[];
  readonly v6: readonly number[];
}

export interface PortSet {
  /** Inclusive ranges: from, to, from, to, … */
  readonly ranges: readonly number[];
  /** Names that the endpoint of that side gives to its ports. */
  readonly names: readonly string[];
}

/** A tier with its policies in the order of evaluation. */
export interface CompiledTier {
  readonly name: string;
  readonly defaultAction: 'deny' | 'pass';
  readonly policies: readonly CompiledPolicy[];
}
