import { batchOf } from '@sonde/test/builders/batch';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { observedFlows, type ObservedFlowRow } from '@sonde/test/builders/observed-flows';
import { describe, expect, it } from 'vitest';
import { contextFromObjects } from './context.js';
import { enrich } from './enrich.js';

/** What has an address: a pod, a node itself, or a host outside. */
interface End {
  readonly ip: string;
  readonly at: 'pod' | 'host' | 'outside';
  readonly node?: string;
}

const NODES = ['node-a', 'node-b', 'node-c'];
const PODS: readonly End[] = NODES.flatMap((node, index) =>
  [11, 12].map((pod) => ({ ip: `10.0.${index}.${pod}`, at: 'pod' as const, node })),
);
const HOSTS: readonly End[] = NODES.map((node, index) => ({ ip: `192.0.2.${index}`, at: 'host', node }));
const OUTSIDE: readonly End[] = [{ ip: '198.51.100.1', at: 'outside' }];
const ENDS = [...PODS, ...HOSTS, ...OUTSIDE];

const nodeObjects: KubernetesObject[] = HOSTS.map(({ ip, node = '' }, index) => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: node } },
  ...{ spec: { podCIDRs: [`10.0.${index}.0/24`] } },
  ...{ status: { addresses: [{ type: 'InternalIP', address: ip }] } },
}));
const podObjects = PODS.map(({ ip, node = '' }) => podObject(ip, node));

function podObject(ip: string, node: string): KubernetesObject {
  return {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: `pod-${ip}`, namespace: 'shop' } },
    ...{ spec: { nodeName: node }, status: { phase: 'Running', podIPs: [{ ip }] } },
  };
}

interface Seen {
  readonly node: string;
  readonly row: ObservedFlowRow;
}

interface Watched {
  readonly nodes: readonly string[];
  /** Whether interfaces between node and outside are watched, besides those of pods. */
  readonly uplinks: boolean;
}

/** The records of a connection from each end to each other one that pass what is watched. */
function records({ nodes, uplinks }: Watched): Seen[] {
  return ENDS.flatMap((client) =>
    ENDS.flatMap((server) => {
      if (client === server) return [];
      return nodes.flatMap((node) => {
        const behindPod = (end: End) => end.at === 'pod' && end.node === node;
        const isHere = (end: End) => end.node === node;
        const crossesUplink = uplinks && isHere(client) !== isHere(server);
        if (!behindPod(client) && !behindPod(server) && !crossesUplink) return [];
        const isBoth = behindPod(client) === behindPod(server);
        const reporter = isBoth ? ('both' as const) : behindPod(client) ? ('src' as const) : ('dst' as const);
        const times = { start_time: 1000, end_time: 1000 };
        return [{ node, row: { src_ip: client.ip, dst_ip: server.ip, protocol: 6, reporter, ...times } }];
      });
    }),
  );
}

/** How many primary records each connection that was seen has, where that is not one. */
function countedWrong(watched: Watched, objects: readonly KubernetesObject[]): string[] {
  const { context } = contextFromObjects(objects, (node) => watched.nodes.includes(node));
  const primaries = new Map<string, number>();
  for (const { node, row } of records(watched)) {
    const batch = batchOf(observedFlows([row]), { node });
    const { columns } = enrich([{ batch, partition: 0, offset: 0 }], context);
    const connection = `${row.src_ip ?? ''} to ${row.dst_ip ?? ''}`;
    primaries.set(connection, (primaries.get(connection) ?? 0) + (columns.primary[0] ?? 0));
  }
  expect(primaries.size).toBeGreaterThan(20);
  return [...primaries]
    .filter(([, count]) => count !== 1)
    .map(([connection, count]) => `${connection}: ${count}`);
}

describe.each([
  ['pods of all nodes', { nodes: NODES, uplinks: false }],
  ['pods and uplinks of all nodes', { nodes: NODES, uplinks: true }],
  ['pods of two of three nodes', { nodes: ['node-a', 'node-b'], uplinks: false }],
  ['pods and uplinks of two of three nodes', { nodes: ['node-a', 'node-b'], uplinks: true }],
  ['pods of one node', { nodes: ['node-b'], uplinks: false }],
  ['pods and the uplink of one node', { nodes: ['node-b'], uplinks: true }],
])('of each connection that was seen exactly one record is primary, where %s are watched', (_, watched) => {
  it('and all pods are known', () => {
    expect(countedWrong(watched, [...nodeObjects, ...podObjects])).toEqual([]);
  });

  it.each(PODS.map(({ ip }, index) => [ip, index] as const))('and nobody has told of pod %s', (_, index) => {
    expect(countedWrong(watched, [...nodeObjects, ...podObjects.toSpliced(index, 1)])).toEqual([]);
  });

  it('and nobody has told of any pod', () => {
    expect(countedWrong(watched, nodeObjects)).toEqual([]);
  });
});

describe('a client that nobody has told of', () => {
  const ROW = {
    src_ip: '10.0.1.9',
    dst_ip: '10.0.0.11',
    reporter: 'dst',
    start_time: 1000,
    end_time: 1000,
  } as const;
  const isPrimary = (objects: readonly KubernetesObject[]) => {
    const { context } = contextFromObjects(objects);
    const batch = batchOf(observedFlows([ROW]), { node: 'node-a' });
    return enrich([{ batch, partition: 0, offset: 0 }], context).columns.primary[0] === 1;
  };
  /** A pod that has its address from another node's range: addresses are not given out by ranges. */
  const stray = podObject('10.0.2.9', 'node-b');

  it('is on the node of its range, as long as known pods are on theirs', () => {
    expect(isPrimary([...nodeObjects, ...podObjects])).toBe(false);
    expect(isPrimary([...nodeObjects, ...podObjects, stray])).toBe(true);
  });

  it('is on the node that Calico gave its block to', () => {
    const affinity = (state: string) => ({
      ...{
        apiVersion: 'crd.projectcalico.org/v1',
        kind: 'BlockAffinity',
        metadata: { name: 'node-b-10-0-1-0-26' },
      },
      ...{ spec: { cidr: '10.0.1.0/26', node: 'node-b', state, deleted: 'false' } },
    });
    const others = [...nodeObjects, ...podObjects, stray];
    expect(isPrimary([...others, affinity('confirmed')])).toBe(false);
    expect(isPrimary([...others, affinity('pendingDeletion')])).toBe(true);
  });
});
