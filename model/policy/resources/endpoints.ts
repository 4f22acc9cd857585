import { AddressError, parseAddress } from '../../net/address.js';
import type { AddressPrefix } from '../../net/prefix.js';
import { protocolNumber } from '../../net/protocol.js';
import { readCalicoRule, type CalicoRule } from './calico-rule.js';
import type { Fields } from './fields.js';

/** NetworkSet and GlobalNetworkSet (projectcalico.org/v3): labels for addresses outside the cluster. */
export interface NetworkSet {
  readonly kind: 'NetworkSet';
  /** Empty for a GlobalNetworkSet. */
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly nets: readonly AddressPrefix[];
  readonly domains: readonly string[];
}

/** HostEndpoint (projectcalico.org/v3): an interface of a node that policies apply to. */
export interface HostEndpoint {
  readonly kind: 'HostEndpoint';
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly node: string;
  /** An interface's name, `*` for all interfaces, or empty if only the addresses identify it. */
  readonly interfaceName: string;
  /** 16 bytes each. */
  readonly expectedIps: readonly Uint8Array[];
  readonly ports: readonly EndpointPort[];
  readonly profiles: readonly string[];
}

/** A named port of an endpoint. */
export interface EndpointPort {
  readonly name: string;
  readonly protocol: number;
  readonly port: number;
}

/** Profile (projectcalico.org/v3): rules and labels for the endpoints that list it. */
export interface Profile {
  readonly kind: 'Profile';
  readonly name: string;
  readonly ingress: readonly CalicoRule[];
  readonly egress: readonly CalicoRule[];
  readonly labelsToApply: Readonly<Record<string, string>>;
}

/** Reads the `spec` of a network set. */
export function readNetworkSet(
  namespace: string,
  name: string,
  labels: Readonly<Record<string, string>>,
  spec: Fields,
): NetworkSet {
  spec.allowOnly(['nets', 'allowedEgressDomains']);
  const nets = spec.prefixes('nets', 'with bare addresses');
  return { kind: 'NetworkSet', namespace, name, labels, nets, domains: spec.strings('allowedEgressDomains') };
}

/** Reads the `spec` of a host endpoint. */
export function readHostEndpoint(
  name: string,
  labels: Readonly<Record<string, string>>,
  spec: Fields,
): HostEndpoint {
  spec.allowOnly(['node', 'interfaceName', 'expectedIPs', 'profiles', 'ports']);
  const interfaceName = spec.string('interfaceName') ?? '';
  const expectedIps = spec.items('expectedIPs', readAddress);
  if (interfaceName === '' && expectedIps.length === 0) {
    spec.problem('interfaceName', 'is missing, and so are expectedIPs');
  }
  return {
    kind: 'HostEndpoint',
    name,
    labels,
    node: spec.requiredString('node'),
    interfaceName,
    expectedIps,
    ports: spec.objects('ports', readEndpointPort) ?? [],
    profiles: spec.strings('profiles'),
  };
}

/** Reads the `spec` of a profile. */
export function readProfile(name: string, spec: Fields): Profile {
  spec.allowOnly(['ingress', 'egress', 'labelsToApply']);
  return {
    kind: 'Profile',
    name,
    ingress: spec.objects('ingress', (rule) => readCalicoRule(rule, 'ingress', '')) ?? [],
    egress: spec.objects('egress', (rule) => readCalicoRule(rule, 'egress', '')) ?? [],
    labelsToApply: spec.labels('labelsToApply'),
  };
}

function readEndpointPort(fields: Fields): EndpointPort {
  fields.allowOnly(['name', 'protocol', 'port']);
  const protocol = protocolNumber(fields.numberOrString('protocol') ?? '');
  if (protocol === undefined) fields.problem('protocol', 'is not a protocol');
  return {
    name: fields.requiredString('name'),
    protocol: protocol ?? 0,
    port: fields.integer('port', 1, 65_535) ?? 0,
  };
}

function readAddress(item: unknown, problem: (reason: string) => void): Uint8Array | undefined {
  try {
    if (typeof item === 'string') return parseAddress(item);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
  }
  problem('is not an address');
  return undefined;
}
