import { SCTP, TCP, UDP } from '../../net/protocol.js';
import {
  readEgressPeer,
  readIngressPeer,
  readSubject,
  type AdminPeer,
  type AdminSubject,
} from './admin-peer.js';
import type { Fields } from './fields.js';

/**
 * AdminNetworkPolicy and BaselineAdminNetworkPolicy (v1alpha1), and their successor ClusterNetworkPolicy
 * (v1alpha2), of policy.networking.k8s.io: one form, because they differ only in names.
 */
export interface AdminNetworkPolicy {
  readonly kind: 'AdminNetworkPolicy' | 'BaselineAdminNetworkPolicy' | 'ClusterNetworkPolicy';
  readonly name: string;
  readonly tier: 'admin' | 'baseline';
  /** 0 to 1000, lower first; equal ones are evaluated in an undefined order. */
  readonly priority: number;
  readonly subject: AdminSubject;
  readonly ingress: readonly AdminRule[];
  readonly egress: readonly AdminRule[];
}

export interface AdminRule {
  readonly name: string;
  readonly action: 'allow' | 'deny' | 'pass';
  /** The rule applies to connections with any of these. */
  readonly peers: readonly AdminPeer[];
  /** The rule applies to any of these; empty for all protocols and ports. */
  readonly ports: readonly AdminPort[];
}

export type AdminPort =
  | { readonly kind: 'range'; readonly protocol: number; readonly from: number; readonly to: number }
  /** A container port of that name at the destination pod, whatever its protocol. */
  | { readonly kind: 'named'; readonly name: string };

const PROTOCOLS = { TCP, UDP, SCTP } as const;

/** Maximum number of rules of a direction that the APIs allow. */
const LIMITS = { v1alpha1: 100, v1alpha2: 25 } as const;

/** Reads the `spec` of an AdminNetworkPolicy. */
export function readAdminNetworkPolicy(name: string, spec: Fields): AdminNetworkPolicy {
  spec.allowOnly(['priority', 'subject', 'ingress', 'egress']);
  const priority = readPriority(spec);
  return { kind: 'AdminNetworkPolicy', name, tier: 'admin', priority, ...readV1alpha1(spec, ['Pass']) };
}

/** Reads the `spec` of a BaselineAdminNetworkPolicy; a cluster has one, named default. */
export function readBaselineAdminNetworkPolicy(name: string, spec: Fields): AdminNetworkPolicy {
  spec.allowOnly(['subject', 'ingress', 'egress']);
  const kind = 'BaselineAdminNetworkPolicy';
  return { kind, name, tier: 'baseline', priority: 0, ...readV1alpha1(spec, []) };
}

/** Reads the `spec` of a ClusterNetworkPolicy. */
export function readClusterNetworkPolicy(name: string, spec: Fields): AdminNetworkPolicy {
  spec.allowOnly(['tier', 'priority', 'subject', 'ingress', 'egress']);
  const tier = spec.requiredOneOf('tier', ['Admin', 'Baseline']) === 'Admin' ? 'admin' : 'baseline';
  const priority = readPriority(spec);
  const rule = (peers: 'from' | 'to') => (fields: Fields) => {
    fields.allowOnly(['name', 'action', peers, 'protocols']);
    const action = fields.requiredOneOf('action', ['Accept', 'Deny', 'Pass']);
    const ports = fields.objects('protocols', readProtocol) ?? [];
    return readRule(fields, peers, action === 'Accept' ? 'Allow' : action, ports);
  };
  return {
    kind: 'ClusterNetworkPolicy',
    name,
    tier,
    priority,
    subject: spec.requiredObject('subject', readSubject),
    ingress: limited(spec, 'ingress', LIMITS.v1alpha2, spec.objects('ingress', rule('from'))),
    egress: limited(spec, 'egress', LIMITS.v1alpha2, spec.objects('egress', rule('to'))),
  };
}

function readV1alpha1(
  spec: Fields,
  furtherActions: readonly 'Pass'[],
): Pick<AdminNetworkPolicy, 'subject' | 'ingress' | 'egress'> {
  const rule = (peers: 'from' | 'to') => (fields: Fields) => {
    fields.allowOnly(['name', 'action', peers, 'ports']);
    const action = fields.requiredOneOf('action', ['Allow', 'Deny', ...furtherActions]);
    return readRule(fields, peers, action, fields.objects('ports', readPort) ?? []);
  };
  return {
    subject: spec.requiredObject('subject', readSubject),
    ingress: limited(spec, 'ingress', LIMITS.v1alpha1, spec.objects('ingress', rule('from'))),
    egress: limited(spec, 'egress', LIMITS.v1alpha1, spec.objects('egress', rule('to'))),
  };
}

function readPriority(spec: Fields): number {
  if (!spec.has('priority')) spec.problem('priority', 'is missing');
  return spec.integer('priority', 0, 1000) ?? 0;
}

function limited(
  spec: Fields,
  name: string,
  limit: number,
  rules: readonly AdminRule[] = [],
): readonly AdminRule[] {
  if (rules.length > limit) spec.problem(name, `has ${rules.length} rules, more than ${limit}`);
  return rules;
}

function readRule(
  fields: Fields,
  peersField: 'from' | 'to',
  action: 'Allow' | 'Deny' | 'Pass',
  ports: readonly AdminPort[],
): AdminRule {
  const readPeer = peersField === 'from' ? readIngressPeer : readEgressPeer;
  const peers = fields.objects(peersField, readPeer) ?? [];
  if (peers.length === 0) fields.problem(peersField, 'needs at least one peer');
  const pods = peers.every(({ kind }) => kind === 'pods' || kind === 'namespaces' || kind === 'unknown');
  if (!pods && ports.some(({ kind }) => kind === 'named')) {
    fields.problem(peersField, 'combines a named port with a peer that has no named ports');
  }
  if (action !== 'Allow' && peers.some(({ kind }) => kind === 'domainNames')) {
    fields.problem(peersField, 'may contain domain names only in an allow rule');
  }
  return { name: fields.string('name') ?? '', action: ACTIONS[action], peers, ports };
}

const ACTIONS = { Allow: 'allow', Deny: 'deny', Pass: 'pass' } as const;

/** Reads an AdminNetworkPolicyPort. */
function readPort(fields: Fields): AdminPort {
  fields.allowOnly(['portNumber', 'portRange', 'namedPort']);
  if (fields.names().length !== 1)
    fields.problem('', 'needs exactly one of portNumber, portRange, namedPort');
  const name = fields.string('namedPort');
  if (name !== undefined) return { kind: 'named', name };
  const field = fields.has('portRange') ? 'portRange' : 'portNumber';
  return fields.requiredObject(field, (port) => {
    port.allowOnly(field === 'portRange' ? ['protocol', 'start', 'end'] : ['protocol', 'port']);
    const protocol = PROTOCOLS[port.oneOf('protocol', ['TCP', 'UDP', 'SCTP']) ?? 'TCP'];
    if (field === 'portRange') return readRange(port, protocol);
    const number = readPortNumber(port, 'port');
    return { kind: 'range', protocol, from: number, to: number };
  });
}

/** Reads a ClusterNetworkPolicyProtocol. */
function readProtocol(fields: Fields): AdminPort {
  fields.allowOnly(['tcp', 'udp', 'sctp', 'destinationNamedPort']);
  if (fields.names().length !== 1) {
    fields.problem('', 'needs exactly one of tcp, udp, sctp, destinationNamedPort');
  }
  const name = fields.string('destinationNamedPort');
  if (name !== undefined) return { kind: 'named', name };
  const field = (['udp', 'sctp'] as const).find((candidate) => fields.has(candidate)) ?? 'tcp';
  const protocol = { tcp: TCP, udp: UDP, sctp: SCTP }[field];
  return fields.requiredObject(field, (match) => {
    match.allowOnly(['destinationPort']);
    return match.requiredObject('destinationPort', (port) => {
      port.allowOnly(['number', 'range']);
      if (port.names().length !== 1) port.problem('', 'needs exactly one of number and range');
      if (port.has('range')) return port.requiredObject('range', (range) => readRange(range, protocol));
      const number = readPortNumber(port, 'number');
      return { kind: 'range', protocol, from: number, to: number };
    });
  });
}

function readRange(fields: Fields, protocol: number): AdminPort {
  const from = readPortNumber(fields, 'start');
  const to = readPortNumber(fields, 'end');
  if (from > to) fields.problem('end', `must not be below the start ${from}`);
  return { kind: 'range', protocol, from, to };
}

function readPortNumber(fields: Fields, name: string): number {
  if (!fields.has(name)) fields.problem(name, 'is missing');
  return fields.integer(name, 1, 65_535) ?? 1;
}
