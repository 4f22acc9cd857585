import { describe, expect, it } from 'vitest';
import { screenOf } from '../table/screen.js';
import { type GraphAnswer, nodeName } from './answer.js';
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
    expect(graphTree(graph, screenOf({}))).toBe(`shop/web\n└─ shop/api ${ports}  3 connections, 1 B`);
    expect(graphDot(graph)).toContain(`[label="${ports} 1 B"`);
  });
});

describe('a node', () => {
  it.each([
    ['workload', 'shop', 'web', 'shop/web'],
    ['namespace', '', 'shop', 'shop'],
    ['service', 'shop', 'api', 'service shop/api'],
    ['node', '', 'node-a', 'node node-a'],
    ['network_set', 'shop', 'banks', '[shop/banks]'],
    ['external', '', 'api.example.com', 'api.example.com'],
    ['external', '', 'unique_local', 'unique-local addresses'],
    ['hidden', '', '', 'endpoints in namespaces that you may not view'],
  ])('of kind %s "%s" "%s" is named %s', (kind, namespace, name, shown) => {
    expect(nodeName({ id: '', kind, namespace, name })).toBe(shown);
  });
});
