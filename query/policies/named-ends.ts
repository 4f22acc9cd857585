import { AddressError, formatAddress, parseAddress } from '@sonde/model/net/address';
import type { FlowEndpoint } from '@sonde/model/policy/preview/flow-identity';
import type { PolicySnapshot } from '@sonde/model/policy/preview/snapshot';
import { QueryError } from '../errors.js';
import { fromWhere, select } from '../records/record-query.js';
import type { QueryContext } from '../context/query-context.js';
import { SqlParameters } from '../sql/parameters.js';
import type { TimeRange } from '../time-range.js';

/** Kinds of pods, addresses and names that the ends of one request may be. */
const MAX_ENDS = 10_000;

/** An end of connections that somebody names. */
export type NamedEnd =
  | { readonly is: 'workload'; readonly name: string }
  | { readonly is: 'service'; readonly name: string }
  | { readonly is: 'address'; readonly address: Uint8Array }
  | { readonly is: 'domain'; readonly domain: string };

/** Who names stood for in a time range, as its flows tell. */
export interface KnownEnds {
  /** Pods and nodes by `namespace/workload` and `namespace/name`. */
  readonly byName: ReadonlyMap<string, readonly FlowEndpoint[]>;
  /** Who had an address last, by its text. */
  readonly byAddress: ReadonlyMap<string, FlowEndpoint>;
  /** Addresses by domain name. */
  readonly domains: ReadonlyMap<string, readonly Uint8Array[]>;
}

/** `service/namespace/name`, `namespace/name` of a workload or pod, an address, or else a domain name. */
export function readNamedEnd(text: string): NamedEnd {
  if (text.startsWith('service/')) return { is: 'service', name: text.slice('service/'.length) };
  if (text.includes('/')) return { is: 'workload', name: text };
  try {
    return { is: 'address', address: parseAddress(text) };
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    return { is: 'domain', domain: text.toLowerCase().replace(/\.$/, '') };
  }
}

/** Finds out who some names stood for, as far as the one who asks may see it. */
export async function knownEnds(
  context: QueryContext,
  cluster: string,
  range: TimeRange,
  ends: readonly NamedEnd[],
): Promise<KnownEnds> {
  const names = ends.flatMap((end) => (end.is === 'workload' ? end.name : []));
  const addresses = ends.flatMap((end) => (end.is === 'address' ? sqlAddress(end.address) : []));
  const domains = ends.flatMap((end) => (end.is === 'domain' ? end.domain : []));
  const asked = { context, cluster, range };
  const [byName, byAddress, answered] = [
    names.length > 0 ? await endsByName(asked, names) : new Map<string, FlowEndpoint[]>(),
    addresses.length > 0 ? await endsByAddress(asked, addresses) : new Map<string, FlowEndpoint>(),
    await addressesOfDomains(asked, domains, addresses),
  ];
  return { byName, byAddress, domains: answered };
}

/** The service of a name, in a world: an end at its virtual address. */
export function serviceEnds({ services }: PolicySnapshot, name: string): FlowEndpoint[] {
  const service = services.all.find((one) => `${one.namespace}/${one.name}` === name);
  return (service?.addresses ?? []).map((address) => ({
    ...{ kind: 'service', namespace: service?.namespace ?? '', labels: '', serviceAccount: '', address },
  }));
}

interface Asked {
  readonly context: QueryContext;
  readonly cluster: string;
  readonly range: TimeRange;
}

interface EndRow {
  readonly kind: FlowEndpoint['kind'];
  readonly namespace: string;
  readonly workload: string;
  readonly pod: string;
  readonly labels: string;
  readonly account: string;
  readonly address: string;
  readonly latest: string;
}

async function endsByName(asked: Asked, names: readonly string[]): Promise<Map<string, FlowEndpoint[]>> {
  const rows = await endRows(
    asked,
    (end, parameters) => {
      const named = parameters.add(names, 'Array(String)');
      const called = (field: string) => `concat(${end}_namespace, '/', ${end}_${field}) IN ${named}`;
      return {
        where: `${end}_kind IN ('pod', 'host_network_pod') AND (${called('workload')} OR ${called('name')})`,
        // One of its pods stands for a workload, unless it is the pod that was named.
        pod: `if(${called('name')}, ${end}_name, '')`,
      };
    },
    "isIPAddressInRange(toString(ip), '::ffff:0:0/96')",
  );
  const found = new Map<string, FlowEndpoint[]>();
  for (const row of rows) {
    for (const name of new Set([`${row.namespace}/${row.workload}`, `${row.namespace}/${row.pod}`])) {
      const ends = found.get(name);
      if (ends) ends.push(endOf(row));
      else found.set(name, [endOf(row)]);
    }
  }
  return found;
}

async function endsByAddress(asked: Asked, addresses: readonly string[]): Promise<Map<string, FlowEndpoint>> {
  const rows = await endRows(
    asked,
    (end, parameters) => ({
      where: `${end}_ip IN ${parameters.add(addresses, 'Array(IPv6)')}`,
      pod: `${end}_name`,
    }),
    'ip',
  );
  const latest = new Map<string, EndRow>();
  for (const row of rows) {
    const address = formatAddress(parseAddress(row.address));
    const other = latest.get(address);
    if (!other || Number(row.latest) > Number(other.latest)) latest.set(address, row);
  }
  return new Map([...latest].map(([address, row]) => [address, endOf(row)] as const));
}

/**
 * The ends of flows that are asked for, those that are the same in all but their address and time together; `apart`
 * says which addresses are not. In an order, so that the same question has the same answer.
 */
async function endRows(
  { context, cluster, range }: Asked,
  ends: (end: 'src' | 'dst', parameters: SqlParameters) => { where: string; pod: string },
  apart: string,
): Promise<readonly EndRow[]> {
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
  const rows = await select<EndRow>(
    context,
    `SELECT ${group}, toString(argMax(ip, (seen, ip))) AS address, toUnixTimestamp64Milli(max(seen)) AS latest
     FROM (${ofEnd('src')} UNION ALL ${ofEnd('dst')})
     GROUP BY ${group}, ${apart} ORDER BY ${group}, address LIMIT ${MAX_ENDS + 1}`,
    parameters,
  );
  return notTooMany(rows);
}

/** What domain names were answered with, and names of addresses; by the lookups and the flows that may be seen. */
async function addressesOfDomains(
  { context, cluster, range }: Asked,
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
     ) ORDER BY domain, address LIMIT ${MAX_ENDS + 1}`,
    parameters,
  );
  const found = new Map<string, Map<string, Uint8Array>>();
  for (const { domain, address } of notTooMany(rows)) {
    const known = found.get(domain) ?? new Map<string, Uint8Array>();
    found.set(domain, known);
    const parsed = parseAddress(address);
    known.set(formatAddress(parsed), parsed);
  }
  return new Map([...found].map(([domain, known]) => [domain, [...known.values()]] as const));
}

/** @throws QueryError SONDE_INVALID_PARAMETER if an answer of those that were read would leave some out. */
function notTooMany<Row>(rows: readonly Row[]): readonly Row[] {
  if (rows.length <= MAX_ENDS) return rows;
  throw new QueryError(
    'SONDE_QUERY_TOO_LARGE',
    `what is named stands for more than ${MAX_ENDS} kinds of pods or addresses: name less, or ask for a shorter time range`,
  );
}

function anyFlow(range: TimeRange) {
  return { kind: 'flows', range, filter: { kind: 'constant', value: true } } as const;
}

function endOf({ kind, namespace, labels, account, address }: EndRow): FlowEndpoint {
  return { kind, namespace, labels, serviceAccount: account, address: parseAddress(address) };
}

function sqlAddress(address: Uint8Array): string {
  const text = formatAddress(address);
  return text.includes(':') ? text : `::ffff:${text}`;
}
