import { portKey } from '../address/services.js';
import type {
  CompiledRule,
  RuleCondition,
  NetFacts,
  PodSelection,
  PortSet,
  PolicySubject,
} from '../compile/compiled-policy.js';
import type { Endpoint } from '../endpoint/endpoints.js';
import type { Host } from '../endpoint/entities.js';
import type { Workload } from '../endpoint/workloads.js';
import { ICMP, ICMPV6, hasPorts, isIcmp } from '../../net/protocol.js';
import { selects } from '../selector/evaluate.js';
import type { Labels, Selector } from '../selector/selector.js';

/** Whether something matches: no, yes, or undecided because something is unknown. */
export type Match = typeof NO | typeof YES | typeof UNCERTAIN;
export const NO = 0;
const YES = 1;
export const UNCERTAIN = 2;

/** An unknown port. */
export const UNKNOWN_PORT = -1;

/**
 * The connection that rules are matched with: its first packet, client to server. One object is reused, so that matching
 * allocates nothing.
 */
export interface Connection {
  source: Endpoint;
  destination: Endpoint;
  protocol: number;
  /** The destination port, or type × 256 + code of ICMP; {@link UNKNOWN_PORT} if it is unknown. */
  port: number;
  sourcePort: number;
  /** Set by matching: whether an outcome so far depends on the source port. */
  sourcePortUsed: boolean;
  /** Set by matching: why the last undecided match is undecided. */
  uncertainReason: string;
}

/** What is known about the cluster; what is not leaves conditions undecided. */
export interface Knowledge {
  /** Whether the addresses of domain names are known. */
  readonly domainsKnown: boolean;
  /** Labels of the network sets with domain names. */
  readonly domainSets: readonly Labels[];
  /** Labels of all network sets. */
  readonly networkSets: readonly Labels[];
}

/** Whether a policy applies to a pod, or to a host endpoint. */
export function appliesTo(
  subject: PolicySubject,
  workload: Workload | undefined,
  host: Host | undefined,
): boolean {
  if (workload) {
    if (subject.kind === 'pods') return selectsPod(subject, workload);
    if (subject.namespace !== undefined && subject.namespace !== workload.namespace) return false;
    return selects(subject.selector, workload.labels);
  }
  if (!host || subject.kind === 'pods' || subject.namespace !== undefined) return false;
  return selects(subject.selector, host.labels);
}

/** Whether a rule matches: its protocol and all conditions. Undecided if some conditions are and none fails. */
export function matchRule(rule: CompiledRule, packet: Connection, knowledge: Knowledge): Match {
  if (rule.protocol !== undefined && rule.protocol !== packet.protocol) return NO;
  if (rule.notProtocol !== undefined && rule.notProtocol === packet.protocol) return NO;
  let result: Match = YES;
  if (rule.family !== undefined) {
    result = equals(packetFamily(packet), rule.family);
    if (result === NO) return NO;
    if (result === UNCERTAIN) packet.uncertainReason = 'the address family is not known';
  }
  for (const condition of rule.conditions) {
    const holds = matchCondition(condition, packet, knowledge);
    if (holds === NO) return NO;
    if (holds === UNCERTAIN) result = UNCERTAIN;
  }
  return result;
}

function matchCondition(condition: RuleCondition, packet: Connection, knowledge: Knowledge): Match {
  switch (condition.kind) {
    case 'http':
      return uncertain(packet, 'flows do not contain HTTP requests');
    case 'icmp':
    case 'notIcmp': {
      const matched = matchIcmp(condition.type, condition.code, packet);
      return condition.kind === 'icmp' ? matched : not(matched);
    }
    case 'ports':
    case 'notPorts': {
      const matched = matchPorts(condition.ports, condition.side === 'source', packet);
      return condition.kind === 'ports' ? matched : not(matched);
    }
    default:
      return matchAddress(condition, packet, knowledge);
  }
}

type AddressCondition = Exclude<RuleCondition, { kind: 'http' | 'icmp' | 'notIcmp' | 'ports' | 'notPorts' }>;

function matchAddress(condition: AddressCondition, packet: Connection, knowledge: Knowledge): Match {
  const endpoint = condition.side === 'source' ? packet.source : packet.destination;
  switch (condition.kind) {
    case 'pods':
      return endpoint.workload && selectsPod(condition.selection, endpoint.workload) ? YES : NO;
    case 'selected':
      return matchSelected(condition.selector, condition.byName, endpoint, packet, knowledge);
    case 'notSelected':
      return not(matchSelected(condition.selector, false, endpoint, packet, knowledge));
    case 'nets':
      return matchNets(condition.nets, endpoint, packet, false);
    case 'notNets':
      return matchNets(condition.nets, endpoint, packet, true);
    case 'nodes':
      for (const labels of endpoint.nodes) if (selects(condition.selector, labels)) return YES;
      return NO;
    case 'domains':
      for (const fact of condition.facts) if (endpoint.facts.has(fact)) return YES;
      // Domain rules are for addresses outside the cluster: they never match a pod.
      if (knowledge.domainsKnown || endpoint.workload) return NO;
      return uncertain(packet, 'the DNS answers are not known');
    case 'serviceAddress':
    case 'servicePort': {
      const { service } = condition;
      if (endpoint.workload && servesFor(endpoint.workload, condition, packet)) return YES;
      if (!service.known)
        return uncertain(
          packet,
          `the endpoints of service ${service.namespace}/${service.name} are not known`,
        );
      const fact =
        condition.kind === 'serviceAddress'
          ? service.address
          : service.ports.get(portKey(packet.protocol, packet.port));
      if (fact === undefined) return NO;
      if (endpoint.family === undefined) return uncertain(packet, ADDRESS_NOT_KNOWN);
      return endpoint.facts.has(fact) ? YES : NO;
    }
  }
}

/** Whether a pod is known to be a backend of the service, as a destination on the port. */
function servesFor(
  { serves }: Workload,
  { kind, service }: Extract<RuleCondition, { kind: 'serviceAddress' | 'servicePort' }>,
  { protocol, port }: Connection,
): boolean {
  for (const served of serves) {
    if (served.service !== `${service.namespace}/${service.name}`) continue;
    if (kind === 'serviceAddress' || (served.protocol === protocol && served.port === port)) return true;
  }
  return false;
}

const ADDRESS_NOT_KNOWN = 'the address is not known';

function selectsPod(selection: PodSelection, workload: Workload): boolean {
  if (selection.namespace !== undefined && selection.namespace !== workload.namespace) return false;
  return (
    selects(selection.podSelector, workload.podLabels) &&
    selects(selection.namespaceSelector, workload.namespaceLabels)
  );
}

/** Whether the selector matches anything that the address belongs to: a pod, and any number of network sets. */
function matchSelected(
  selector: Selector,
  byName: boolean,
  endpoint: Endpoint,
  packet: Connection,
  knowledge: Knowledge,
): Match {
  for (const labels of endpoint.labelled) if (selects(selector, labels)) return YES;
  if (byName) {
    for (const labels of endpoint.named) if (selects(selector, labels)) return YES;
  }
  if (byName && !knowledge.domainsKnown && !endpoint.workload) {
    for (const labels of knowledge.domainSets) {
      if (selects(selector, labels)) return uncertain(packet, 'the DNS answers are not known');
    }
  }
  if (endpoint.family === undefined) {
    for (const labels of knowledge.networkSets)
      if (selects(selector, labels)) return uncertain(packet, ADDRESS_NOT_KNOWN);
  }
  return NO;
}

function matchNets(nets: NetFacts, endpoint: Endpoint, packet: Connection, negated: boolean): Match {
  if (endpoint.family === undefined) return uncertain(packet, ADDRESS_NOT_KNOWN);
  const facts = endpoint.family === 4 ? nets.v4 : nets.v6;
  if (facts.length === 0) return NO;
  for (const fact of facts) if (endpoint.facts.has(fact)) return negated ? NO : YES;
  return negated ? YES : NO;
}

function matchPorts(ports: PortSet, ofSource: boolean, packet: Connection): Match {
  if (!hasPorts(packet.protocol)) return NO;
  const port = ofSource ? packet.sourcePort : packet.port;
  if (ofSource) packet.sourcePortUsed = true;
  if (port === UNKNOWN_PORT)
    return uncertain(packet, `the ${ofSource ? 'source' : 'destination'} port is not known`);
  const { ranges, names } = ports;
  for (let at = 0; at < ranges.length; at += 2) {
    if (port >= (ranges[at] ?? 0) && port <= (ranges[at + 1] ?? 0)) return YES;
  }
  if (names.length > 0) {
    for (const named of (ofSource ? packet.source : packet.destination).ports) {
      if (named.port === port && named.protocol === packet.protocol && names.includes(named.name)) return YES;
    }
  }
  return NO;
}

function matchIcmp(type: number, code: number | undefined, packet: Connection): Match {
  if (!isIcmp(packet.protocol)) return NO;
  if (packet.port === UNKNOWN_PORT) return uncertain(packet, 'the ICMP type is not known');
  if (packet.port >> 8 !== type) return NO;
  return code === undefined || (packet.port & 0xff) === code ? YES : NO;
}

/** The address family of the packet, by its protocol or either address. */
function packetFamily({ source, destination, protocol }: Connection): number | undefined {
  if (protocol === ICMP) return 4;
  if (protocol === ICMPV6) return 6;
  return destination.family ?? source.family;
}

function equals(value: number | undefined, expected: number): Match {
  return value === undefined ? UNCERTAIN : value === expected ? YES : NO;
}

function not(match: Match): Match {
  return match === UNCERTAIN ? UNCERTAIN : match === YES ? NO : YES;
}

function uncertain(packet: Connection, reason: string): Match {
  packet.uncertainReason = reason;
  return UNCERTAIN;
}
