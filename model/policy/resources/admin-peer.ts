import type { AddressPrefix } from '../../net/prefix.js';
import type { LabelSelector } from '../selector/label-selector.js';
import type { Fields } from './fields.js';
import { readLabelSelector } from './label-selector.js';

/**
 * A peer, or the subject, of AdminNetworkPolicy, BaselineAdminNetworkPolicy and ClusterNetworkPolicy
 * (policy.networking.k8s.io). A peer without a known field is `unknown`; its rule must fail closed.
 */
export type AdminPeer =
  | { readonly kind: 'pods'; readonly namespaceSelector: LabelSelector; readonly podSelector: LabelSelector }
  | { readonly kind: 'namespaces'; readonly selector: LabelSelector }
  | { readonly kind: 'nodes'; readonly selector: LabelSelector }
  | { readonly kind: 'networks'; readonly networks: readonly AddressPrefix[] }
  | { readonly kind: 'domainNames'; readonly names: readonly string[] }
  | { readonly kind: 'unknown' };

/** Pods that a policy applies to; pods on the host network are never included. */
export type AdminSubject = Extract<AdminPeer, { kind: 'pods' | 'namespaces' }>;

type PeerField = 'namespaces' | 'pods' | 'nodes' | 'networks' | 'domainNames';

const INGRESS_PEERS: readonly PeerField[] = ['namespaces', 'pods'];
const EGRESS_PEERS: readonly PeerField[] = [...INGRESS_PEERS, 'nodes', 'networks', 'domainNames'];

/** The pattern of the type DomainName. */
const DOMAIN_NAME = /^(\*\.)?([a-z0-9]([-a-z0-9_]*[a-z0-9])?\.)+[a-z0-9]([-a-z0-9_]*[a-z0-9])?\.?$/i;

const EVERYTHING: LabelSelector = { matchLabels: {}, matchExpressions: [] };

/** Reads the subject of a policy. */
export function readSubject(fields: Fields): AdminSubject {
  fields.allowOnly(INGRESS_PEERS);
  const peer = readPeer(fields, INGRESS_PEERS);
  if (peer.kind === 'pods' || peer.kind === 'namespaces') return peer;
  fields.problem('', 'needs exactly one of namespaces and pods');
  return { kind: 'namespaces', selector: EVERYTHING };
}

/** Reads a peer of an ingress rule. */
export function readIngressPeer(fields: Fields): AdminPeer {
  return readPeer(fields, INGRESS_PEERS);
}

/** Reads a peer of an egress rule. */
export function readEgressPeer(fields: Fields): AdminPeer {
  return readPeer(fields, EGRESS_PEERS);
}

function readPeer(fields: Fields, allowed: readonly PeerField[]): AdminPeer {
  const given = allowed.filter((name) => fields.has(name));
  if (given.length > 1) fields.problem('', `has more than one of ${given.join(', ')}`);
  const [field] = given;
  if (field === undefined) return { kind: 'unknown' };
  switch (field) {
    case 'namespaces':
    case 'nodes':
      return { kind: field, selector: fields.requiredObject(field, readLabelSelector) };
    case 'pods':
      return fields.requiredObject('pods', readPods);
    case 'networks':
      return { kind: 'networks', networks: fields.prefixes('networks') };
    case 'domainNames':
      return { kind: 'domainNames', names: fields.items('domainNames', readDomainName) };
  }
}

/** An omitted selector selects everything: v1alpha1 requires both, but manifests omit them. */
function readPods(fields: Fields): AdminSubject {
  fields.allowOnly(['namespaceSelector', 'podSelector']);
  return {
    kind: 'pods',
    namespaceSelector: fields.object('namespaceSelector', readLabelSelector) ?? EVERYTHING,
    podSelector: fields.object('podSelector', readLabelSelector) ?? EVERYTHING,
  };
}

function readDomainName(item: unknown, problem: (reason: string) => void): string | undefined {
  if (typeof item === 'string' && DOMAIN_NAME.test(item)) return item;
  problem('is not a domain name, with or without a leading "*."');
  return undefined;
}
