import { AddressError, formatAddress, parseAddress } from '@sonde/model/net/address';
import type { FlowEndpoint } from '@sonde/model/policy/preview/flow-identity';
import type { PolicySnapshot } from '@sonde/model/policy/preview/snapshot';
import { QueryError } from '../errors.js';
import { fromWhere, select } from '../records/record-query.js';
import type { QueryContext } from '../context/query-context.js';
import { SqlParameters } from '../sql/parameters.js';
import type { TimeRange } from '../time-range.js';

/** Maximum number of kinds of pods, addresses and domain answers per request. */
const MAX_ENDPOINTS = 10_000;

/** An endpoint of a connection, by name. */
export type NamedEndpoint =
  | { readonly is: 'workload'; readonly name: string }
  | { readonly is: 'service'; readonly name: string }
  | { readonly is: 'address'; readonly address: Uint8Array }
  | { readonly is: 'domain'; readonly domain: string };

/** The endpoints of names in a time range, according to its flows. */
export interface ResolvedNames {
  /** Pods and nodes by `namespace/workload` and `namespace/name`. */
  readonly byName: ReadonlyMap<string, readonly FlowEndpoint[]>;
  /** The latest owner of an address. */
  readonly byAddress: ReadonlyMap<string, FlowEndpoint>;
  /** Addresses by domain name. */
  readonly domains: ReadonlyMap<string, readonly Uint8Array[]>;
}

/** `service/namespace/name`, `namespace/name` of a workload or pod, an address, or else a domain name. */
export function parseNamedEndpoint(text: string): NamedEndpoint {
  if (text.startsWith('service/')) return { is: 'service', name: text.slice('service/'.length) };
  if (text.includes('/')) return { is: 'workload', name: text };
  try {
    return { is: 'address', address: parseAddress(text) };
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    return { is: 'domain', domain: text.toLowerCase().replace(/\.$/, '') };
  }
}

/** Resolves names to endpoints, as far as the client may see them. */
export async function resolveNames(
  context: QueryContext,
  cluster: string,
  range: TimeRange,
  ends: readonly NamedEndpoint[],
): Promise<ResolvedNames> {
  const names = ends.flatMap((end) => (end.is === 'workload' ? end.name : []));
  const addresses = ends.flatMap((end) => (end.is === 'address' ? sqlAddress(end.address) : []));
  const domains = ends.flatMap((end) => (end.is === 'domain' ? end.domain : []));
  const asked = { context, cluster, range };
  const [byName, byAddress, answered] = [
    names.length > 0 ? await endpointsByName(asked, names) : new Map<string, FlowEndpoint[]>(),
    addresses.length > 0 ? await endpointsByAddress(asked, addresses) : new Map<string, FlowEndpoint>(),
    await addressesOfDomains(asked, domains, addresses),
  ];
  return { byName, byAddress, domains: answered };
}

/** The endpoints at the virtual addresses of a service in a snapshot. */
export function serviceEndpoints({ services }: PolicySnapshot, name: string): FlowEndpoint[] {
  const service = services.all.find((one) => `${one.namespace}/${one.name}` === name);
  return (service?.addresses ?? []).map((address) => ({
    ...{ kind: 'service', namespace: service?.namespace ?? '', labels: '', serviceAccount: '', address },
  }));
}

interface Scope {
  readonly context: QueryContext;
  readonly cluster: string;
  readonly range: TimeRange;
}

interface EndpointRow {
  readonly kind: FlowEndpoint['kind'];
  readonly namespace: string;
  readonly workload: string;
  readonly pod: string;
  readonly labels: string;
  readonly account: string;
  readonly address: string;
  readonly latest: string;
}

async function endpointsByName(asked: Scope, names: readonly string[]): Promise<Map<string, FlowEndpoint[]>> {
  const rows = await endpointRows(
    asked,
    (end, parameters) => {
      const named = parameters.add(names, 'Array(String)');
      const called = (field: string) => `concat(${end}_namespace, '/', ${end}_${field}) IN ${named}`;
      return {
        where: `${end}_kind IN ('pod', 'host_network_pod') AND (${called('workload')} OR ${called('name')})`,
        // One pod represents a workload, unless the pod itself was named.
        pod: `if(${called('name')}, ${end}_name, '')`,
      };
    },
    "isIPAddressInRange(toString(ip), '::ffff:0:0/96')",
  );
  const found = new Map<string, FlowEndpoint[]>();
  for (const row of rows) {
    for (const name of new Set([`${row.namespace}/${row.workload}`, `${row.namespace}/${row.pod}`])) {
      const ends = found.get(name);
      if (ends) ends.push(endpointOf(row));
      else found.set(name, [endpointOf(row)]);
    }
  }
  return found;
}

async function endpointsByAddress(
  asked: Scope,
  addresses: readonly string[],
): Promise<Map<string, FlowEndpoint>> {
  const rows = await endpointRows(
    asked,
    (end, parameters) => ({
      where: `${end}_ip IN ${parameters.add(addresses, 'Array(IPv6)')}`,
      pod: `${end}_name`,
    }),
    'ip',
  );
  const latest = new Map<string, EndpointRow>();
  for (const row of rows) {
    const address = formatAddress(parseAddress(row.address));
    const other = latest.get(address);
    if (!other || Number(row.latest) > Number(other.latest)) latest.set(address, row);
  }
  return new Map([...latest].map(([address, row]) => [address, endpointOf(row)] as const));
}

/**
 * The endpoints of flows that match `ends`, grouped by everything except address and time; `apart` is an expression by which
 * addresses are grouped. Sorted, so that equal queries have equal answers.
 */
async function endpointRows(
  { context, cluster, range }: Scope,
  ends: (end: 'src' | 'dst', parameters: SqlParameters) => { where: string; pod: string },
  apart: string,
): Promise<readonly EndpointRow[]> {
  const parameters = new SqlParameters();
  const ofEnd = (end: 'src' | 'dst') => {
    const { where, pod } = ends(end, parameters);
    return `SELECT ${end}_kind AS kind, ${end}_namespace AS namespace, ${end}_workload AS workload, ${pod} AS pod,
        ${end}_labels AS labels, ${end}_service_account AS account, ${end}_ip AS ip, max(start_time) AS seen
      ${fromWhere(anyFlow(range), context.access, parameters)}
        AND cluster = ${parameters.add(cluster, 'String')} AND ${where}
      GROUP BY kind, namespace, workload, pod, labels, account, ip`;
  };
  const group = 'kind, namespace, workload, pod, labels, account';
  const rows = await select<EndpointRow>(
    context,
    `SELECT ${group}, toString(argMax(ip, (seen, ip))) AS address, toUnixTimestamp64Milli(max(seen)) AS latest
     FROM (${ofEnd('src')} UNION ALL ${ofEnd('dst')})
     GROUP BY ${group}, ${apart} ORDER BY ${group}, address LIMIT ${MAX_ENDPOINTS + 1}`,
    parameters,
  );
  return requireComplete(rows);
}

/** Addresses of domain names, and domain names of addresses, from the lookups and flows that the client may see. */
async function addressesOfDomains(
  { context, cluster, range }: Scope,
  domains: readonly string[],
  addresses: readonly string[],
): Promise<Map<string, Uint8Array[]>> {
  if (domains.length + addresses.length === 0) return new Map();
  const parameters = new SqlParameters();
  const ofCluster = `cluster = ${parameters.add(cluster, 'String')}`;
  const named = parameters.add(domains, 'Array(String)');
  const rows = await select<{ domain: string; address: string }>(
    context,
    `SELECT DISTINCT domain, address FROM (
       SELECT toString(dst_domain) AS domain, toString(dst_ip) AS address
       ${fromWhere(anyFlow(range), context.access, parameters)} AND ${ofCluster} AND dst_domain != ''
         AND (dst_domain IN ${named} OR dst_ip IN ${parameters.add(addresses, 'Array(IPv6)')})
       UNION ALL
       SELECT lower(trim(TRAILING '.' FROM toString(query_name))) AS domain,
         arrayJoin(arrayFilter(one -> isIPv4String(one) OR isIPv6String(one), splitByChar(',', toString(answers)))) AS address
       ${fromWhere({ ...anyFlow(range), kind: 'dns' }, context.access, parameters)} AND ${ofCluster}
         AND domain IN ${named}
     ) ORDER BY domain, address LIMIT ${MAX_ENDPOINTS + 1}`,
    parameters,
  );
  const found = new Map<string, Map<string, Uint8Array>>();
  for (const { domain, address } of requireComplete(rows)) {
    const known = found.get(domain) ?? new Map<string, Uint8Array>();
    found.set(domain, known);
    const parsed = parseAddress(address);
    known.set(formatAddress(parsed), parsed);
  }
  return new Map([...found].map(([domain, known]) => [domain, [...known.values()]] as const));
}

/** Returns the rows. @throws QueryError SONDE_QUERY_TOO_LARGE if there are more than the limit. */
function requireComplete<Row>(rows: readonly Row[]): readonly Row[] {
  if (rows.length <= MAX_ENDPOINTS) return rows;
  throw new QueryError(
    'SONDE_QUERY_TOO_LARGE',
    `the names resolve to more than ${MAX_ENDPOINTS} kinds of pods or addresses: use fewer names, or a shorter time range`,
  );
}

function anyFlow(range: TimeRange) {
  return { kind: 'flows', range, filter: { kind: 'constant', value: true } } as const;
}

function endpointOf({ kind, namespace, labels, account, address }: EndpointRow): FlowEndpoint {
  return { kind, namespace, labels, serviceAccount: account, address: parseAddress(address) };
}

function sqlAddress(address: Uint8Array): string {
  const text = formatAddress(address);
  return text.includes(':') ? text : `::ffff:${text}`;
}
