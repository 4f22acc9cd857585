import { batchOf } from '@sonde/model/flow/build-batch';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { observedFlows, type ObservedRow } from '@sonde/model/flow/build-observed';
import { expect, it } from 'vitest';
import { contextFromObjects } from './context.js';
import { enrich } from './enrich.js';

const NODES = {
  'node-a': ['10.0.1.1', '10.0.1.2'],
  'node-b': ['10.0.2.1', '10.0.2.2'],
  'node-c': ['10.0.3.1'],
};
const OUTSIDE = ['198.51.100.1', '198.51.100.2'];

const objects: KubernetesObject[] = Object.entries(NODES).flatMap(([node, addresses]) =>
  addresses.map((ip) => ({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: `pod-${ip}`, namespace: 'shop' } },
    ...{ spec: { nodeName: node }, status: { phase: 'Running', podIPs: [{ ip }] } },
  })),
);

interface Seen {
  readonly node: string;
  readonly row: ObservedRow;
}

/** The records of a connection from each address to each other one that passes a monitored node. */
function records(monitored: readonly string[]): Seen[] {
  const nodeOf = new Map(
    Object.entries(NODES).flatMap(([node, ips]) => ips.map((ip) => [ip, node] as const)),
  );
  const all = [...nodeOf.keys(), ...OUTSIDE];
  const seen: Seen[] = [];
  for (const src_ip of all) {
    for (const dst_ip of all) {
      if (src_ip === dst_ip) continue;
      const [from, to] = [nodeOf.get(src_ip), nodeOf.get(dst_ip)];
      const row = { src_ip, dst_ip, protocol: 6, start_time: 1000, end_time: 1000 };
      if (from === to) {
        if (from !== undefined) seen.push({ node: from, row: { ...row, reporter: 'both' } });
        continue;
      }
      if (from !== undefined) seen.push({ node: from, row: { ...row, reporter: 'src' } });
      if (to !== undefined) seen.push({ node: to, row: { ...row, reporter: 'dst' } });
    }
  }
  return seen.filter(({ node }) => monitored.includes(node));
}

it.each([
  ['all nodes', ['node-a', 'node-b', 'node-c']],
  ['two of three nodes', ['node-a', 'node-b']],
  ['one node', ['node-b']],
])('of each connection that was seen exactly one record is primary, with %s monitored', (_, monitored) => {
  const { context } = contextFromObjects(objects, (node) => monitored.includes(node));
  const seen = records(monitored);
  const primaries = new Map<string, number>();
  for (const { node, row } of seen) {
    const batch = batchOf(observedFlows([row]), { node });
    const { columns } = enrich([{ batch, partition: 0, offset: 0 }], context);
    const connection = `${row.src_ip ?? ''} to ${row.dst_ip ?? ''}`;
    primaries.set(connection, (primaries.get(connection) ?? 0) + (columns.primary[0] ?? 0));
  }
  expect(primaries.size).toBeGreaterThan(5);
  expect([...primaries].filter(([, count]) => count !== 1)).toEqual([]);
});
