import type { AddressPrefix } from '../../net/prefix.js';
import type { LabelSelector } from '../selector/label-selector.js';
import type { Fields } from './fields.js';
import { readLabelSelector } from './label-selector.js';

/**
 * A peer, or the subject, of AdminNetworkPolicy, BaselineAdminNetworkPolicy and ClusterNetworkPolicy
 * (policy.networking.k8s.io). A peer none of whose fields is known is `unknown`; its rule must fail closed.
 */
export type AdminPeer =
  | { readonly kind: 'pods'; readonly namespaceSelector: LabelSelector; readonly podSelector: LabelSelector }
  | { readonly kind: 'namespaces'; readonly selector: LabelSelector }
  | { readonly kind: 'nodes'; readonly selector: LabelSelector }
  | { readonly kind: 'networks'; readonly networks: readonly AddressPrefix[] }
  | { readonly kind: 'domainNames'; readonly names: readonly string[] }
  | { readonly kind: 'unknown' };

/** Pods that a policy applies to; pods on the host's network never belong to them. */
export type AdminSubject = Extract<AdminPeer, { kind: 'pods' | 'namespaces' }>;

type PeerField = 'namespaces' | 'pods' | 'nodes' | 'networks' | 'domainNames';

const INGRESS_PEERS: readonly PeerField[] = ['namespaces', 'pods'];
const EGRESS_PEERS: readonly PeerField[] = [...INGRESS_PEERS, 'nodes', 'networks', 'domainNames'];

/** `*.` and labels, as the pattern of DomainName has it. */
const DOMAIN_NAME = /^(\*\.)?([a-z0-9]([-a-z0-9_]*[a-z0-9])?\.)+[a-z0-9]([-a-z0-9_]*[a-z0-9])?\.?$/i;

const EVERYTHING: LabelSelector = { matchLabels: {}, matchExpressions: [] };

export function readSubject(fields: Fields): AdminSubject {
  fields.only(INGRESS_PEERS);
  const peer = readPeer(fields, INGRESS_PEERS);
  if (peer.kind === 'pods' || peer.kind === 'namespaces') return peer;
  fields.problem('', 'needs exactly one of namespaces and pods');
  return { kind: 'namespaces', selector: EVERYTHING };
}

export function readIngressPeer(fields: Fields): AdminPeer {
  return readPeer(fields, INGRESS_PEERS);
}

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

/** Either selector may be left out, to mean everything: v1alpha1 asks for both, but is written without. */
function readPods(fields: Fields): AdminSubject {
  fields.only(['namespaceSelector', 'podSelector']);
  return {
    kind: 'pods',
    namespaceSelector: fields.object('namespaceSelector', readLabelSelector) ?? EVERYTHING,
    podSelector: fields.object('podSelector', readLabelSelector) ?? EVERYTHING,
  };
}

function readDomainName(item: unknown, problem: (reason: string) => void): string | undefined {
  if (typeof item === 'string' && DOMAIN_NAME.test(item)) return item;
  problem('is not a domain name, nor one that begins with "*."');
  return undefined;
}
