import { describe, expect, it } from 'vitest';
import { paintFor } from '../flow-table/colour.js';
import type { GraphAnswer } from './answer.js';
import { graphDot } from './dot.js';
import { graphTree } from './tree.js';

const node = (name: string) => ({ id: `workload/shop/${name}`, kind: 'workload', namespace: 'shop', name });
const graph: GraphAnswer = {
  nodes: [node('web'), node('api')],
  edges: [
    {
      ...{
        source: 'workload/shop/web',
        target: 'workload/shop/api',
        connections: 3,
        bytesOut: 1,
        bytesIn: 0,
      },
      ...{ denied: 0, errors: 0, rttP95Micros: null },
      ports: [{ protocol: 1 }, { protocol: 6, port: 0 }, { protocol: 6, port: 443 }, { protocol: 47 }],
    },
  ],
  truncated: false,
};

describe('an edge', () => {
  it('names protocols with their ports, and those without by their name', () => {
    const ports = 'icmp,tcp/0,tcp/443,protocol 47';
    expect(graphTree(graph, paintFor({}))).toBe(`shop/web\n└─ shop/api ${ports}  3 connections, 1 B`);
    expect(graphDot(graph)).toContain(`[label="${ports} 1 B"`);
  });
});
