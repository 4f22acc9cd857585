import { readManifests } from '@sonde/backbone/manifests/read';
import { contextFromObjects } from '@sonde/enricher/pipeline/context';
import { enrich } from '@sonde/enricher/pipeline/enrich';
import { flowRow } from '@sonde/model/flow/records';
import { kubernetesManifests } from '@sonde/model/policy/suggest/kubernetes';
import type { ObservedEndpoint, ObservedFlow } from '@sonde/model/policy/suggest/observed';
import { suggestPolicies } from '@sonde/model/policy/suggest/suggest';
import { expect, it } from 'vitest';
import { batchOf } from '../builders/batch.js';
import { observedFlows } from '../builders/observed-flows.js';
import { kubernetesCase } from './case-file.js';

const PAIRS = [
  ['10.1.1.5', '10.1.1.9'],
  ['10.1.2.5', '10.1.2.9'],
] as const;

/** The flows of the case as the suggestion reads them, with other labels of pods if they are given. */
async function observedFlowsOf(
  pairs: readonly (readonly [string, string])[],
  extraLabels = '',
): Promise<ObservedFlow[]> {
  const { objects } = await readManifests([kubernetesCase('topology-labels.yaml')]);
  const { context, problems } = contextFromObjects(objects.map(({ object }) => object));
  expect(problems).toEqual([]);
  const now = Date.now();
  const rows = pairs.map(([src_ip, dst_ip]) => ({
    ...{ src_ip, dst_ip, protocol: 6, src_port: 40_000, dst_port: 5432, packets_out: 1, start_time: now },
  }));
  const { columns } = enrich([{ batch: batchOf(observedFlows(rows)), partition: 0, offset: 0 }], context);
  const traffic = { flows: 1, connections: 1, bytes: 100, firstMs: now, lastMs: now };
  return rows.map((row, index): ObservedFlow => {
    const record = flowRow(columns, index);
    const endpoint = (side: 'src' | 'dst', address: string): ObservedEndpoint => ({
      ...{ kind: 'pod', namespace: 'shop', name: record[`${side}_workload`], address },
      labels: [record[`${side}_labels`], extraLabels].filter(Boolean).join(','),
    });
    return {
      ...{ src: endpoint('src', row.src_ip), dst: endpoint('dst', row.dst_ip) },
      ...{ sourceAccount: 'default', allowed: true, guessed: false, protocol: 6, port: 5432 },
      ...{ sourcePort: row.src_port, domain: '', traffic },
    };
  });
}

it.each([
  ['replicas of several zones', PAIRS, ''],
  ['replicas that were seen in one zone only', PAIRS.slice(0, 1), ''],
  [
    'flows that were stored with labels of nodes',
    PAIRS,
    'topology.kubernetes.io/region=eu,kubernetes.io/hostname=a',
  ],
])('suggests policies without labels of nodes: %s', async (_, pairs, extraLabels) => {
  const { policies } = suggestPolicies('shop', await observedFlowsOf(pairs, extraLabels));
  const { manifests } = kubernetesManifests('shop', policies);
  expect(policies.map(({ workload, labels }) => [workload, labels])).toEqual(
    expect.arrayContaining([
      ['db', { purpose: 'store' }],
      ['web', { purpose: 'front' }],
    ]),
  );
  expect(JSON.stringify(manifests.map(({ manifest }) => manifest))).not.toMatch(
    /topology|hostname|failure-domain/,
  );
});
