import { dnsFields } from '@sonde/model/dns/fields';
import { flowFields } from '@sonde/model/flow/fields';
import { flowRedactions } from '@sonde/query/access/redaction';
import { type Answer, startTestApi, type TestClient } from '../fixtures/test-api.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { DAY, fillStore, type StoreVariant, storeVariants } from './store-pair.js';

/** A request: GET, or with a body POST. */
interface ApiRequest {
  readonly target: string;
  readonly body?: object;
}

const TO = '2026-03-02T00:00:00Z';
const range = { from: DAY, to: TO };

function get(path: string, parameters: Readonly<Record<string, string | number>> = {}): ApiRequest {
  const query = new URLSearchParams(range);
  for (const [name, value] of Object.entries(parameters)) query.set(name, value.toString());
  return { target: `/api/v1/${path}?${query.toString()}` };
}

function post(path: string, body: object): ApiRequest {
  return { target: `/api/v1/${path}`, body: { ...range, ...body } };
}

/** Addresses that, in one or both stores, belong to pods or network sets of other namespaces, or to nobody. */
const PEERS = ['10.1.0.1', '10.1.0.2', '203.0.113.9', '198.51.100.1', '192.0.2.99'];

function evaluation(from: string, to: string): ApiRequest {
  return post('policies/evaluate', { cluster: 'lab', connections: [{ from, to, port: 443 }] });
}

/** Requests that try to reveal data of other namespaces: every hidden name of either store, in every place. */
const requests: readonly ApiRequest[] = [
  ...listings(),
  ...filters(),
  ...groupings(),
  ...fieldValues(),
  ...graphs(),
  ...policies(),
  ...invalidRequests(),
  { target: '/api/v1/whoami' },
  { target: '/api/v1/login' },
  { target: '/api/v1/fields' },
  { target: '/api/v1/openapi.json' },
  { target: '/metrics' },
  { target: '/nothing' },
];

function secrets(): string[] {
  return storeVariants.flatMap(({ secret }) => [secret, `${secret}-1`]);
}

function listings(): ApiRequest[] {
  return ['flows', 'dns'].flatMap((kind) => [
    get(kind, { limit: 1000 }),
    get(kind, { limit: 500, order: 'oldest' }),
    get(kind, { limit: 7 }),
    get(kind, { fields: 'start_time,node' }),
  ]);
}

/** Filters by hidden data. Each condition is false in both stores, so many are combined: any that is true changes the result. */
function filters(): ApiRequest[] {
  const texts = flowFields.filter(({ type }) => type === 'string').map(({ name }) => name);
  const anyOf = (conditions: readonly string[]) => conditions.join(' || ');
  const ofFlows = [
    ...storeVariants.flatMap(({ secret, others }) => [
      anyOf(texts.map((name) => `${name} == "${secret}"`)),
      anyOf(texts.map((name) => `${name}.contains("${secret}")`)),
      anyOf([
        `dst.labels["app"] == "${secret}"`,
        `src.labels["tier"] == "${others}"`,
        `domain(dst, "*.${secret}.example.com")`,
        `policy("*${secret}*")`,
        `either(namespace.startsWith("${secret}"))`,
      ]),
    ]),
    anyOf([
      ...['dst.kind == "network_set" && dst.namespace != "shop" && dst.namespace != ""'],
      ...['src_cgroup == 40', 'dst_cgroup == 170', 'cidr(dst.tunnel_ip, "192.0.2.50/32")'],
      ...['cidr(dst.ip, "10.9.0.0/16")', 'bytes_out > 1000000', 'dst.port > 8999 && dst.port < 9100'],
      'dst.namespace != "shop" && src.namespace != "shop"',
    ]),
    ...[
      'dst.namespace != ""',
      'dst.node == node',
      'policies == ""',
      '!(dst.name == "")',
      'dst.labels == src.labels',
    ],
  ];
  const ofLookups = storeVariants.map(({ secret }) =>
    anyOf([`query_name.contains("${secret}")`, `src.namespace == "${secret}-0"`, `node == "node-${secret}"`]),
  );
  return [
    ...ofFlows.map((filter) => get('flows', { filter, fields: 'start_time,src_port', limit: 50 })),
    ...ofLookups.map((filter) => get('dns', { filter, limit: 10 })),
  ];
}

function groupings(): ApiRequest[] {
  const metrics = [
    { function: 'count' },
    { function: 'sum', field: 'bytes' },
    { function: 'distinct', field: 'dst.name', name: 'names' },
    { function: 'quantile', field: 'rtt_us', quantile: 0.95, name: 'rtt' },
  ];
  const distinct = (fields: readonly { readonly name: string }[]) =>
    fields.map(({ name }) => ({ function: 'distinct', field: name, name }));
  const all = { groupBy: [], records: 'all' };
  return [
    ...Array.from({ length: Math.ceil(flowFields.length / 20) }, (_, part) =>
      post('query', { ...all, metrics: distinct(flowFields.slice(part * 20, part * 20 + 20)) }),
    ),
    post('query', { ...all, table: 'dns', metrics: distinct(dnsFields.slice(0, 20)) }),
    post('query', { ...all, table: 'dns', metrics: distinct(dnsFields.slice(20)) }),
    ...['src.namespace', 'dst.kind', 'node', 'policies', 'dst.service', 'dst.zone', 'dst.network_sets'].map(
      (name) => post('query', { metrics, groupBy: [name], records: 'all' }),
    ),
    post('query', { metrics, groupBy: ['dst.kind'], interval: '1h' }),
    post('query', { metrics, groupBy: ['dst.labels["app"]'], format: 'csv' }),
    post('query', { metrics, groupBy: ['src.end', 'dst.end'], records: 'all' }),
    post('query', { metrics, groupBy: ['src.namespace', 'dst.namespace'], format: 'arrow' }),
  ];
}

function fieldValues(): ApiRequest[] {
  const redacted = flowFields
    .filter(({ name }) => flowRedactions[name].rule !== 'shown')
    .map(({ name }) => name);
  const names = [...redacted, 'action', 'dst.labels.app', 'src.labels["tier"]'];
  return [
    ...names.map((name) => get(`fields/${encodeURIComponent(name)}/values`)),
    ...storeVariants.flatMap(({ secret }) =>
      ['dst.namespace', 'node', 'policies'].map((name) =>
        get(`fields/${name}/values`, { containing: secret.slice(0, 3) }),
      ),
    ),
    ...['node', 'query_name', 'src.namespace'].map((name) => get(`fields/${name}/values`, { table: 'dns' })),
  ];
}

function graphs(): ApiRequest[] {
  return ['workload', 'service', 'namespace', 'zone'].flatMap((level) => [
    get('graph', { level }),
    get('graph', { level, records: 'all', limit: 3 }),
    ...storeVariants.map(({ secret }) =>
      get('graph', { level, filter: `dst.namespace.startsWith("${secret}")` }),
    ),
  ]);
}

function policies(): ApiRequest[] {
  const cluster = 'lab';
  const peer = (label: string) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'probe', namespace: 'shop' },
    spec: {
      podSelector: {},
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        {
          from: [
            {
              namespaceSelector: { matchLabels: { team: label } },
              podSelector: { matchLabels: { app: label } },
            },
          ],
        },
      ],
      egress: [{ to: [{ namespaceSelector: { matchLabels: { team: label } } }] }],
    },
  });
  return [
    get('policies', { cluster }),
    get('policies', { cluster, filter: 'action == "deny"' }),
    get('policies/changes', { cluster }),
    ...secrets().flatMap((name) => [
      get('policies/changes', { cluster, namespace: name }),
      get('policies/changes', { cluster, kind: 'Namespace', name }),
      get('policies/changes', { cluster, kind: 'GlobalNetworkPolicy', name: `security.${name}` }),
      post('policies/preview', { cluster, apply: [peer(name)] }),
      post('policies/preview', { cluster, remove: [{ kind: 'NetworkPolicy', namespace: name, name }] }),
      post('policies/suggest', { cluster, namespace: name }),
      get('policies/applying', { cluster, namespace: name, name: 'web' }),
      evaluation(`${name}/web`, 'shop/web'),
      evaluation('shop/web', `service/${name}/web`),
      evaluation('shop/web', `${name}.example.com`),
      get(`workloads/${name}/${name}`),
      get(`workloads/${name}/web`),
    ]),
    post('policies/preview', {
      cluster,
      remove: [{ kind: 'NetworkPolicy', namespace: 'shop', name: 'web' }],
    }),
    ...['kubernetes', 'calico', 'calico-enterprise'].map((dialect) =>
      post('policies/suggest', { cluster, namespace: 'shop', dialect }),
    ),
    get('workloads/shop/web'),
    get('policies/applying', { cluster, namespace: 'shop', name: 'web' }),
    ...PEERS.flatMap((address) => [evaluation('shop/web', address), evaluation(address, 'shop/web')]),
    get('policies', { cluster: 'other' }),
    ...storeVariants.map(({ secret }) => get('policies', { cluster: `${secret}-cluster-0` })),
    // The cluster may be omitted if only one cluster has a namespace of the client.
    ...['policies', 'policies/changes'].map((path) => get(path)),
    get('policies/applying', { namespace: 'shop', name: 'web' }),
    post('policies/suggest', { namespace: 'shop' }),
    post('policies/preview', { remove: [{ kind: 'NetworkPolicy', namespace: 'shop', name: 'web' }] }),
    post('policies/evaluate', { connections: [{ from: 'shop/web', to: 'www.example.com', port: 443 }] }),
  ];
}

/** Invalid requests: similar names, positions and reasons in errors come from declarations, never from data. */
function invalidRequests(): ApiRequest[] {
  return storeVariants.flatMap(({ secret }) => [
    get('flows', { filter: `${secret} == "x"` }),
    get('flows', { filter: `dst.${secret} == "x"` }),
    get('flows', { filter: `dst.namespace == ${secret}` }),
    get('flows', { filter: `dst.namespace.matches("${secret}(")` }),
    get('flows', { [secret]: 'x' }),
    get('flows', { cursor: Buffer.from(secret).toString('base64url') }),
    get(`fields/${secret}/values`),
    get('graph', { level: secret }),
    post('query', { metrics: [{ function: secret }] }),
    post('query', { metrics: [{ function: 'count' }], groupBy: [secret] }),
    get(`workloads/${secret}/${secret}`, { limit: 'x' }),
    { target: `/api/v1/${secret}` },
  ]);
}

/** The responses to all requests from a store, as a client with these namespaces gets them, by request. */
async function answersFrom(variant: StoreVariant, who: readonly string[]): Promise<Map<string, string>> {
  const api = await startTestApi();
  try {
    await fillStore(api.store, variant);
    const shop = api.as(who);
    const answers = new Map<string, string>();
    const rest = requests.values();
    const sendAll = async () => {
      for (const request of rest) answers.set(JSON.stringify(request), comparable(await send(shop, request)));
    };
    await Promise.all([sendAll(), sendAll(), sendAll(), sendAll()]);
    return answers;
  } finally {
    await api.close();
  }
}

function send(client: TestClient, { target, body }: ApiRequest): Promise<Answer> {
  return body === undefined ? client.get(target) : client.post(target, body);
}

function comparable({ status, headers, text }: Answer): string {
  const kept = [...headers].filter(([name]) => !['date', 'x-request-id'].includes(name));
  return JSON.stringify({ status, headers: kept, text });
}

describe('a client with access to one namespace', () => {
  let first: Map<string, string>;
  let second: Map<string, string>;

  beforeAll(async () => {
    first = await answersFrom(storeVariants[0], ['shop']);
    second = await answersFrom(storeVariants[1], ['shop']);
  }, 900_000);

  it('gets byte-identical responses from two stores that differ only in data it has no access to', () => {
    for (const [request, answer] of first) expect(second.get(request), request).toBe(answer);
    expect(second.size).toBe(first.size);
  });

  it('never gets a name from another namespace, except names in its own request', () => {
    for (const [request, answer] of [...first, ...second]) {
      for (const { secret } of storeVariants) {
        if (!request.includes(secret.slice(0, 3))) expect(answer.includes(secret), request).toBe(false);
      }
    }
  });

  it('gets data of its own namespace', () => {
    const own = first.get(JSON.stringify(get('flows', { limit: 1000 }))) ?? '';
    expect(
      (JSON.parse((JSON.parse(own) as { text: string }).text) as { flows: object[] }).flows,
    ).toHaveLength(240);
    const statuses = [...first.values()].map((answer) => (JSON.parse(answer) as { status: number }).status);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(statuses.length / 2);
    expect(statuses.filter((status) => status >= 500)).toEqual([]);
  });
});

describe('the two stores', () => {
  it('differ for a client with access to all namespaces', async () => {
    const all = await differences(['flows', 'dns', 'graph', 'policies', 'policies/changes']);
    expect(all).toEqual([true, true, true, true, true]);
  }, 120_000);
});

async function differences(paths: readonly string[]): Promise<boolean[]> {
  const answers: string[][] = [];
  for (const variant of storeVariants) {
    const api = await startTestApi();
    await fillStore(api.store, variant);
    answers.push(
      await Promise.all(
        paths.map(
          async (path) =>
            (await api.get(get(path, { ...(path.startsWith('policies') && { cluster: 'lab' }) }).target))
              .text,
        ),
      ),
    );
    await api.close();
  }
  return paths.map((_, index) => answers[0]?.[index] !== answers[1]?.[index]);
}
