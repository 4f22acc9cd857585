import { createPolicySnapshot } from '@sonde/model/policy/preview/snapshot';
import { enrichedFlows, type FlowRow } from '@sonde/test/builders/enriched-flows';
import { namespace } from '@sonde/test/builders/manifests';
import { startTestApi, type TestApi } from '@sonde/test/fixtures/test-api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { QueryContext } from '../context/query-context.js';
import { defaultQueryLimits } from '../limits/query-limits.js';
import { flowIdentities } from './flow-identities.js';

const NOW = Date.now();
const FLOW: FlowRow = {
  ...{ cluster: 'main', primary: true, start_time: NOW - 60_000, end_time: NOW - 60_000, protocol: 6 },
  src_kind: 'pod',
  dst_kind: 'pod',
  ...{ src_namespace: 'shop', dst_namespace: 'shop', dst_port: 80 },
};

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi();
  await api.store.insert({ flows: enrichedFlows([FLOW]) });
});

afterAll(() => api.close());

it('counts flows that arrive while they are read either as evaluated or not at all', async () => {
  const store: QueryContext['store'] = {
    async query(...parameters) {
      const rows = await api.store.query(...parameters);
      await api.store.insert({ flows: enrichedFlows([FLOW, { ...FLOW, dst_port: 81 }]) });
      return rows as never;
    },
  };
  const context = {
    ...{ store, limits: defaultQueryLimits, signal: new AbortController().signal },
    access: { namespaces: () => 'all' },
  } as unknown as QueryContext;
  const range = { from: NOW - 3_600_000, to: NOW + 1000 };
  const query = { kind: 'flows', range, filter: { kind: 'constant', value: true } } as const;
  const { groups, notEvaluated } = await flowIdentities(context, 'main', query, [
    createPolicySnapshot([namespace('shop')]),
  ]);
  expect(notEvaluated).toEqual([]);
  expect(groups.map(({ flows, port }) => [flows, port])).toEqual([[1, 80]]);
});
