import type { KubernetesObject } from '@sonde/model/cluster/objects';
import type { EnrichedFlows } from '@sonde/model/flow/records';
import { affectsPolicies } from '@sonde/model/policy/history/object-version';
import { keep } from '../fixtures/policy-shop.js';
import { startTestApi } from '../fixtures/test-api.js';

/** The ports in the rules of the policies that the API suggests for a namespace from stored flows, sorted. */
export async function suggestedPorts(
  objects: readonly KubernetesObject[],
  blocks: readonly EnrichedFlows[],
  query: { readonly namespace: string; readonly from: string; readonly to: string },
): Promise<number[]> {
  const api = await startTestApi();
  try {
    await keep(api, objects.filter(affectsPolicies), 60, { cluster: 'c' });
    for (const flows of blocks) await api.store.insert({ flows });
    const { body } = await api.post('/api/v1/policies/suggest', query);
    const { policies } = body as unknown as { policies: { manifest: object }[] };
    const ports = policies.flatMap(({ manifest }) => portsIn(manifest));
    return [...new Set(ports)].sort((a, b) => a - b);
  } finally {
    await api.close();
  }
}

function portsIn(value: unknown): number[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'port' && typeof inner === 'number' ? [inner] : portsIn(inner),
  );
}
