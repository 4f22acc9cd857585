import type { AddressFamily, AddressPrefix } from '../../net/prefix.js';
import { ICMP, ICMPV6, TCP, hasPorts, isIcmp, protocolNumber } from '../../net/protocol.js';
import { usesGlobal } from '../selector/rewrite.js';
import type { Selector } from '../selector/selector.js';
import type { Fields } from './fields.js';

/** A rule of Calico's policies and profiles (projectcalico.org/v3 Rule). All criteria must match. */
export interface CalicoRule {
  readonly action: 'allow' | 'deny' | 'log' | 'pass';
  readonly ipVersion: AddressFamily | undefined;
  readonly protocol: number | undefined;
  readonly notProtocol: number | undefined;
  readonly icmp: IcmpMatch | undefined;
  readonly notIcmp: IcmpMatch | undefined;
  readonly source: EntityRule;
  readonly destination: EntityRule;
  /** Whether the rule also matches HTTP requests, which flows do not contain. */
  readonly http: boolean;
}

export interface IcmpMatch {
  readonly type: number;
  readonly code: number | undefined;
}

/** Criteria for one side of the connection (projectcalico.org/v3 EntityRule). */
export interface EntityRule {
  readonly selector: Selector | undefined;
  readonly notSelector: Selector | undefined;
  readonly namespaceSelector: Selector | undefined;
  readonly serviceAccounts: ServiceAccountMatch | undefined;
  readonly services: { readonly name: string; readonly namespace: string } | undefined;
  readonly nets: readonly AddressPrefix[];
  readonly notNets: readonly AddressPrefix[];
  readonly ports: readonly CalicoPort[];
  readonly notPorts: readonly CalicoPort[];
  readonly domains: readonly string[];
}

export interface ServiceAccountMatch {
  readonly names: readonly string[];
  readonly selector: Selector | undefined;
}

/** A port name, as defined by the endpoint, or an inclusive range. */
export type CalicoPort = string | { readonly from: number; readonly to: number };

const ENTITY_FIELDS = [
  'selector',
  'notSelector',
  'namespaceSelector',
  'serviceAccounts',
  'services',
  'nets',
  'notNets',
  'ports',
  'notPorts',
  'domains',
];

const PORT_NAME = /^[a-zA-Z0-9_.-]{1,128}$/;

/** Reads one rule. `namespace` is the policy's, empty for global policies. */
export function readCalicoRule(
  fields: Fields,
  direction: 'ingress' | 'egress',
  namespace: string,
): CalicoRule {
  fields.allowOnly([
    ...['action', 'ipVersion', 'protocol', 'notProtocol', 'icmp', 'notICMP'],
    ...['source', 'destination', 'http', 'metadata'],
  ]);
  const action = fields.requiredOneOf('action', ['Allow', 'Deny', 'Log', 'Pass']);
  const ipVersion = fields.integer('ipVersion', 4, 6);
  if (ipVersion === 5) fields.problem('ipVersion', 'must be 4 or 6');
  const protocol = readProtocol(fields, 'protocol');
  const notProtocol = readProtocol(fields, 'notProtocol');
  for (const number of [protocol, notProtocol]) {
    if (
      ipVersion !== undefined &&
      number !== undefined &&
      (familyOfProtocol(number) ?? ipVersion) !== ipVersion
    ) {
      fields.problem('ipVersion', 'does not match the protocol');
    }
  }
  const rule: CalicoRule = {
    action: ACTIONS[action],
    ipVersion: ipVersion === 4 || ipVersion === 6 ? ipVersion : undefined,
    protocol,
    notProtocol,
    icmp: fields.object('icmp', readIcmp),
    notIcmp: fields.object('notICMP', readIcmp),
    source: fields.object('source', (entity) => readEntity(entity, namespace)) ?? ANY_ENTITY,
    destination: fields.object('destination', (entity) => readEntity(entity, namespace)) ?? ANY_ENTITY,
    http: fields.has('http'),
  };
  checkPorts(fields, rule);
  checkContext(fields, rule, direction);
  if (rule.icmp && !(protocol !== undefined && isIcmp(protocol))) {
    fields.problem('icmp', 'requires the protocol ICMP or ICMPv6');
  }
  return rule;
}

const ACTIONS = { Allow: 'allow', Deny: 'deny', Log: 'log', Pass: 'pass' } as const;

/** The address family of a protocol, if it has only one. */
export function familyOfProtocol(protocol: number): AddressFamily | undefined {
  return protocol === ICMP ? 4 : protocol === ICMPV6 ? 6 : undefined;
}

function readProtocol(fields: Fields, name: string): number | undefined {
  const given = fields.numberOrString(name);
  if (given === undefined) return undefined;
  const number = protocolNumber(given);
  if (number === undefined)
    fields.problem(name, `"${given}" is not a protocol name or a number from 1 to 255`);
  return number;
}

function readIcmp(fields: Fields): IcmpMatch | undefined {
  fields.allowOnly(['type', 'code']);
  const type = fields.integer('type', 0, 254);
  const code = fields.integer('code', 0, 255);
  if (type === undefined) {
    if (code !== undefined) fields.problem('code', 'requires a type');
    return undefined;
  }
  return { type, code };
}

/** An entity rule without criteria. */
const ANY_ENTITY: EntityRule = {
  selector: undefined,
  notSelector: undefined,
  namespaceSelector: undefined,
  serviceAccounts: undefined,
  services: undefined,
  nets: [],
  notNets: [],
  ports: [],
  notPorts: [],
  domains: [],
};

function readEntity(fields: Fields, namespace: string): EntityRule {
  fields.allowOnly(ENTITY_FIELDS);
  const services = fields.object('services', (match) => {
    match.allowOnly(['name', 'namespace']);
    const name = match.requiredString('name');
    const own = match.string('namespace') ?? '';
    if (own === '' && namespace === '') match.problem('namespace', 'is required in a global policy');
    return { name, namespace: own || namespace };
  });
  if (services) {
    for (const other of [
      'selector',
      'notSelector',
      'namespaceSelector',
      'serviceAccounts',
      'nets',
      'notNets',
    ]) {
      if (fields.has(other)) fields.problem(other, 'may not be combined with services');
    }
  }
  if (fields.has('domains')) {
    for (const other of [
      'selector',
      'notSelector',
      'namespaceSelector',
      'serviceAccounts',
      'nets',
      'notNets',
    ]) {
      if (fields.has(other)) fields.problem(other, 'may not be combined with domains');
    }
  }
  return {
    selector: plainSelector(fields, 'selector'),
    notSelector: plainSelector(fields, 'notSelector'),
    namespaceSelector: readNamespaceSelector(fields),
    serviceAccounts: fields.object('serviceAccounts', (match) => {
      match.allowOnly(['names', 'selector']);
      return { names: match.strings('names'), selector: plainSelector(match, 'selector') };
    }),
    services,
    nets: fields.prefixes('nets', 'with bare addresses'),
    notNets: fields.prefixes('notNets', 'with bare addresses'),
    ports: fields.items('ports', readPort),
    notPorts: fields.items('notPorts', readPort),
    domains: fields.strings('domains'),
  };
}

/** Reads a selector in which `global()` is not allowed. */
export function plainSelector(fields: Fields, name: string): Selector | undefined {
  const selector = fields.selector(name);
  if (selector && usesGlobal(selector)) {
    fields.problem(name, 'global() is allowed only in the namespaceSelector of a rule');
  }
  return selector;
}

function readNamespaceSelector(fields: Fields): Selector | undefined {
  const selector = fields.selector('namespaceSelector');
  if (selector && usesGlobal(selector) && selector.op !== 'global') {
    fields.problem('namespaceSelector', 'global() may not be combined with other operations');
  }
  return selector;
}

function readPort(item: unknown, problem: (reason: string) => void): CalicoPort | undefined {
  const text = typeof item === 'number' ? String(item) : item;
  if (typeof text === 'string') {
    const range = /^(\d+)(?::(\d+))?$/.exec(text);
    if (!range) {
      if (PORT_NAME.test(text)) return text;
    } else {
      const from = Number(range[1]);
      const to = Number(range[2] ?? range[1]);
      if (from <= to && to <= 65_535) return { from, to };
    }
  }
  problem('is not a port number, a range "from:to" or a port name');
  return undefined;
}

/** Ports require a protocol with ports; port names may omit the protocol. */
function checkPorts(fields: Fields, { protocol, source, destination }: CalicoRule): void {
  for (const [side, entity] of [
    ['source', source],
    ['destination', destination],
  ] as const) {
    for (const name of ['ports', 'notPorts'] as const) {
      const ports = entity[name];
      const numeric = ports.some((port) => typeof port !== 'string');
      if (protocol === undefined ? numeric : ports.length > 0 && !hasPorts(protocol)) {
        fields.problem(`${side}.${name}`, 'requires the protocol TCP, UDP, SCTP or UDPLite');
      }
    }
  }
}

/** Checks criteria that are allowed only on one side, in one direction or with one action. */
function checkContext(fields: Fields, rule: CalicoRule, direction: 'ingress' | 'egress'): void {
  const { source, destination, action, http, protocol } = rule;
  const near = direction === 'ingress' ? 'destination' : 'source';
  if (rule[near].services) fields.problem(`${near}.services`, `is not allowed in an ${direction} rule`);
  if (destination.services && destination.ports.length + destination.notPorts.length > 0) {
    fields.problem('destination.ports', 'may not be combined with services');
  }
  if (source.domains.length > 0) fields.problem('source.domains', 'is allowed only at the destination');
  if (destination.domains.length > 0 && (direction !== 'egress' || action !== 'allow')) {
    fields.problem('destination.domains', 'is allowed only in an egress allow rule');
  }
  if (!http) return;
  if (action !== 'allow') fields.problem('http', 'is allowed only in an allow rule');
  if (direction === 'egress') fields.problem('http', 'is not allowed in an egress rule');
  if (protocol !== undefined && protocol !== TCP) fields.problem('http', 'requires the protocol TCP');
}
