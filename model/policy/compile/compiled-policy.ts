import type { AddressFamily } from '../../net/prefix.js';
import type { ServiceFacts } from '../address/services.js';
import type { Selector } from '../selector/selector.js';

/**
 * The common form of policies of every API: tiers of policies of rules. This is Calico's model; the Kubernetes APIs use a
 * part of it. Compiled policies are immutable; a changed policy is compiled again.
 */
export interface CompiledPolicy {
  readonly tier: string;
  /** Order within the tier: lower first; Infinity if none is given. */
  readonly order: number;
  /** Sorts policies of equal order: `name/namespace/kind`. */
  readonly sortKey: string;
  /** Whether the API leaves the order of equal priorities undefined. */
  readonly tiesUndefined: boolean;
  /** The policy as in traces, such as `knp:shop/allow-web`. */
  readonly reference: string;
  /** The same with the tier, such as `default|knp:shop/allow-web`. */
  readonly tracePrefix: string;
  readonly staged: boolean;
  readonly subject: PolicySubject;
  /** The rules by direction; undefined if the policy does not apply to the direction. */
  readonly ingress: readonly CompiledRule[] | undefined;
  readonly egress: readonly CompiledRule[] | undefined;
  /** Part of the normal order of policies, or one of Calico's host modes outside it. */
  readonly host: 'local' | 'forward' | 'preDnat' | 'untracked';
}

/** The position and the names of a compiled policy. */
export type PolicyNames = Pick<CompiledPolicy, 'tier' | 'sortKey' | 'reference' | 'tracePrefix'>;

/** What a policy applies to. */
export type PolicySubject = PodSelection | LabelSelection;

/** Selects pods and host endpoints by the labels that Calico gives them. */
export interface LabelSelection {
  readonly kind: 'labels';
  /** The only namespace to select from; undefined for all. */
  readonly namespace: string | undefined;
  readonly selector: Selector;
}

/** Selects pods by their labels and those of their namespace, as the Kubernetes APIs do. */
export interface PodSelection {
  readonly kind: 'pods';
  /** The only namespace to select from; undefined for all. */
  readonly namespace: string | undefined;
  readonly namespaceSelector: Selector;
  readonly podSelector: Selector;
}

/** A rule matches a connection if its protocol matches and all conditions are true. */
export interface CompiledRule {
  readonly action: 'allow' | 'deny' | 'pass' | 'log';
  readonly family: AddressFamily | undefined;
  readonly protocol: number | undefined;
  readonly notProtocol: number | undefined;
  readonly conditions: readonly RuleCondition[];
  /** Index and name in the policy's own list of rules, from 0: compiling splits rules. */
  readonly origin: { readonly index: number; readonly name: string };
}

export type Side = 'source' | 'destination';

/** Conditions on the address of a side refer to facts by number; see `address/facts.ts`. */
export type RuleCondition =
  | { readonly kind: 'pods'; readonly side: Side; readonly selection: PodSelection }
  /** `byName`: whether network sets also match by their domain names, as in egress allow rules. */
  | { readonly kind: 'selected'; readonly side: Side; readonly selector: Selector; readonly byName: boolean }
  | { readonly kind: 'notSelected'; readonly side: Side; readonly selector: Selector }
  | { readonly kind: 'nets' | 'notNets'; readonly side: Side; readonly nets: NetFacts }
  | { readonly kind: 'nodes'; readonly side: Side; readonly selector: Selector }
  | { readonly kind: 'domains'; readonly side: Side; readonly facts: readonly number[] }
  | { readonly kind: 'serviceAddress' | 'servicePort'; readonly side: Side; readonly service: ServiceFacts }
  | { readonly kind: 'ports' | 'notPorts'; readonly side: Side; readonly ports: PortSet }
  | { readonly kind: 'icmp' | 'notIcmp'; readonly type: number; readonly code: number | undefined }
  /** HTTP attributes, which flows do not have. */
  | { readonly kind: 'http' };

/** Prefixes by family: a list without a prefix of the packet's family never matches, not even negated. */
export interface NetFacts {
  readonly v4: readonly number[];
  readonly v6: readonly number[];
}

export interface PortSet {
  /** Inclusive ranges: from, to, from, to, … */
  readonly ranges: readonly number[];
  /** Port names, as defined by the endpoint of that side. */
  readonly names: readonly string[];
}

/** A tier with its policies in the order of evaluation. */
export interface CompiledTier {
  readonly name: string;
  readonly defaultAction: 'deny' | 'pass';
  readonly policies: readonly CompiledPolicy[];
}
