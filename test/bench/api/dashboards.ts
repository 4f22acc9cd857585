const CLIENTS = 50;
const MEASURED_MS = 30_000;

interface Question {
  readonly path: string;
  readonly body?: object;
}

const byNamespaces = ['src.namespace', 'dst.namespace'];

/**
 * What panels of a dashboard ask again and again: mostly of the last minutes, some of hours, and now and then a table
 * of flows or the values of a field.
 */
const QUESTIONS: readonly Question[] = [
  query({
    from: '-15m',
    metrics: [{ function: 'rate', field: 'bytes' }],
    groupBy: byNamespaces,
    interval: '15s',
    limit: 10,
  }),
  query({ from: '-15m', metrics: [{ function: 'count' }], groupBy: ['action', 'evidence'], interval: '15s' }),
  query({
    from: '-15m',
    filter: 'src.namespace == "payments"',
    metrics: [{ function: 'quantile', field: 'rtt_us', quantile: 0.95 }],
    groupBy: ['dst.workload'],
    limit: 20,
  }),
  query({
    from: '-1h',
    metrics: [{ function: 'sum', field: 'dropped_packets' }],
    groupBy: ['drop_reason'],
    interval: '1m',
  }),
  query({
    from: '-1h',
    metrics: [{ function: 'rate', field: 'bytes' }],
    groupBy: ['src.workload'],
    limit: 10,
  }),
  query({
    from: '-6h',
    filter: 'either(namespace == "storefront")',
    metrics: [{ function: 'rate', field: 'bytes' }, { function: 'count' }],
    interval: '5m',
  }),
  { path: '/api/v1/graph?from=-15m&level=namespace' },
  { path: '/api/v1/graph?from=-15m&level=workload&filter=either(namespace%3D%3D"payments")' },
  { path: '/api/v1/flows?from=-15m&filter=action%3D%3D"deny"&limit=100' },
  {
    path: '/api/v1/flows?from=-15m&filter=src.labels["team"]%3D%3D"team-3"&limit=100&fields=start_time,src.name,dst.name',
  },
  { path: '/api/v1/fields/src.workload/values?containing=api' },
];

function query(body: object): Question {
  return { path: '/api/v1/query', body };
}

/** Lets many clients ask as fast as they are answered. */
export async function measureDashboards(url: string): Promise<Record<string, number>> {
  const endMs = performance.now() + MEASURED_MS;
  const millis: number[] = [];
  let next = 0;
  const client = async () => {
    while (performance.now() < endMs) {
      const question = QUESTIONS[next++ % QUESTIONS.length];
      if (question) millis.push(await ask(url, question));
    }
  };
  const startMs = performance.now();
  await Promise.all(Array.from({ length: CLIENTS }, client));
  const seconds = (performance.now() - startMs) / 1000;
  millis.sort((a, b) => a - b);
  return {
    'api.requestsPerSecond': millis.length / seconds,
    'api.p50Millis': millis[Math.floor(millis.length * 0.5)] ?? NaN,
    'api.p95Millis': millis[Math.floor(millis.length * 0.95)] ?? NaN,
  };
}

async function ask(url: string, { path, body }: Question): Promise<number> {
  const startMs = performance.now();
  const response = await fetch(url + path, {
    ...(body && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  return performance.now() - startMs;
}
