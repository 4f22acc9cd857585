import { contains, type AddressPrefix } from '../../net/prefix.js';
import { SCTP, TCP, UDP } from '../../net/protocol.js';
import type { LabelSelector } from '../selector/label-selector.js';
import type { Fields } from './fields.js';
import { readLabelSelector } from './label-selector.js';
import { readStagedAction, type StagedAction } from './staged-action.js';

/** NetworkPolicy (networking.k8s.io/v1), or Calico's staged form of it. */
export interface NetworkPolicy {
  readonly kind: 'NetworkPolicy' | 'StagedKubernetesNetworkPolicy';
  readonly namespace: string;
  readonly name: string;
  /** Set if the policy is staged. */
  readonly staged: StagedAction | undefined;
  readonly podSelector: LabelSelector;
  /** The rules by direction; undefined if the policy does not apply to the direction, empty if it allows nothing. */
  readonly ingress: readonly NetworkPolicyRule[] | undefined;
  readonly egress: readonly NetworkPolicyRule[] | undefined;
}

/** Allows connections with any of the peers on any of the ports; an empty list matches all. */
export interface NetworkPolicyRule {
  readonly peers: readonly NetworkPolicyPeer[];
  readonly ports: readonly NetworkPolicyPort[];
}

export type NetworkPolicyPeer =
  | { readonly kind: 'ipBlock'; readonly cidr: AddressPrefix; readonly except: readonly AddressPrefix[] }
  | {
      readonly kind: 'pods';
      readonly podSelector: LabelSelector | undefined;
      readonly namespaceSelector: LabelSelector | undefined;
    };

export interface NetworkPolicyPort {
  /** TCP, UDP or SCTP, by IP protocol number. */
  readonly protocol: number;
  /** A number, the name of a container port, or undefined for every port of the protocol. */
  readonly port: number | string | undefined;
  /** The last port of a range that starts with `port`. */
  readonly endPort: number | undefined;
}

/** An empty selector, which selects everything. */
const EVERYTHING: LabelSelector = { matchLabels: {}, matchExpressions: [] };

/** Protocols by the names of core/v1 Protocol. */
const PROTOCOLS = { TCP, UDP, SCTP } as const;

/** Reads the `spec` of a policy. A missing `policyTypes` is set as in the API server. */
export function readNetworkPolicy(
  kind: NetworkPolicy['kind'],
  namespace: string,
  name: string,
  spec: Fields,
): NetworkPolicy {
  const staged = kind === 'StagedKubernetesNetworkPolicy';
  spec.allowOnly(['podSelector', 'ingress', 'egress', 'policyTypes', ...(staged ? ['stagedAction'] : [])]);
  const podSelector = spec.object('podSelector', readLabelSelector) ?? EVERYTHING;
  const ingress = spec.objects('ingress', (rule) => readRule(rule, 'from')) ?? [];
  const egress = spec.objects('egress', (rule) => readRule(rule, 'to')) ?? [];
  const types = spec.items('policyTypes', (item, problem) => {
    if (item === 'Ingress' || item === 'Egress') return item;
    problem('must be Ingress or Egress');
    return undefined;
  });
  const defaulted = types.length > 0 ? types : egress.length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
  return {
    kind,
    namespace,
    name,
    staged: staged ? readStagedAction(spec) : undefined,
    podSelector,
    ingress: defaulted.includes('Ingress') ? ingress : undefined,
    egress: defaulted.includes('Egress') ? egress : undefined,
  };
}

function readRule(fields: Fields, peers: 'from' | 'to'): NetworkPolicyRule {
  fields.allowOnly([peers, 'ports']);
  return { peers: fields.objects(peers, readPeer) ?? [], ports: fields.objects('ports', readPort) ?? [] };
}

function readPeer(fields: Fields): NetworkPolicyPeer {
  fields.allowOnly(['podSelector', 'namespaceSelector', 'ipBlock']);
  if (fields.has('ipBlock')) {
    if (fields.names().length > 1) fields.problem('ipBlock', 'may not be combined with a selector');
    return fields.requiredObject('ipBlock', readIpBlock);
  }
  if (fields.names().length === 0) fields.problem('', 'has no peer');
  return {
    kind: 'pods',
    podSelector: fields.object('podSelector', readLabelSelector),
    namespaceSelector: fields.object('namespaceSelector', readLabelSelector),
  };
}

function readIpBlock(fields: Fields): NetworkPolicyPeer {
  fields.allowOnly(['cidr', 'except']);
  const cidr = fields.requiredPrefix('cidr');
  const except = fields.prefixes('except');
  for (const [index, inner] of except.entries()) {
    if (!contains(cidr, inner)) fields.problem(`except[${index}]`, 'is not within the cidr');
  }
  return { kind: 'ipBlock', cidr, except };
}

function readPort(fields: Fields): NetworkPolicyPort {
  fields.allowOnly(['protocol', 'port', 'endPort']);
  const protocol = PROTOCOLS[fields.oneOf('protocol', ['TCP', 'UDP', 'SCTP']) ?? 'TCP'];
  const port = readIntOrName(fields, 'port');
  const endPort = fields.integer('endPort', 1, 65_535);
  if (endPort !== undefined) {
    if (typeof port !== 'number') fields.problem('endPort', 'requires a numeric port');
    else if (endPort < port) fields.problem('endPort', `must not be below the port ${port}`);
  }
  return { protocol, port, endPort };
}

/** Reads a port that is a number or the name of a container port. */
function readIntOrName(fields: Fields, name: string): number | string | undefined {
  const value = fields.numberOrString(name);
  if (typeof value === 'number' && !(Number.isInteger(value) && value >= 1 && value <= 65_535)) {
    fields.problem(name, `must be a name or an integer from 1 to 65535, not ${value}`);
    return undefined;
  }
  if (typeof value === 'string' && !/[a-z]/i.test(value)) {
    fields.problem(name, `must be a number, or a name that contains a letter, not "${value}"`);
  }
  return value;
}
