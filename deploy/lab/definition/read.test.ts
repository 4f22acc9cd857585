import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterEach, describe, expect, it } from 'vitest';
import { definitionDirectory } from '../paths.js';
import { readDefinition } from './read.js';

const copies: string[] = [];

afterEach(async () => {
  for (const copy of copies.splice(0)) await rm(copy, { recursive: true });
});

describe('a lab definition', () => {
  it('reads the network of the storefront from its manifests', async () => {
    const { cluster, outside } = await readDefinition(definitionDirectory('storefront'));
    expect(cluster.nodes).toContainEqual({
      name: 'node-b',
      addresses: ['172.18.0.12', 'fd00:172:18::12'],
      podCidrs: ['10.244.2.0/24', 'fd00:10:244:2::/64'],
    });
    expect(cluster.services.find(({ name }) => name === 'backend')?.ports[0]).toEqual({
      protocol: 'tcp',
      port: 80,
      endpoints: [
        { address: '10.244.1.13', port: 8080 },
        { address: '10.244.2.13', port: 8080 },
        { address: 'fd00:10:244:1::13', port: 8080 },
        { address: 'fd00:10:244:2::13', port: 8080 },
      ],
    });
    expect(outside.hosts[0].domain).toBe('api.telephony.example');
  });

  it('gives all replicas of a workload the same calls', async () => {
    const { traffic } = await readDefinition(definitionDirectory('storefront'));
    const frontends = traffic.pods.filter(({ pod }) => pod.labels['app'] === 'frontend');
    expect(frontends.map(({ pod }) => pod.node)).toEqual(['node-a', 'node-b']);
    expect(frontends[0]?.call).toEqual(frontends[1]?.call);
  });

  it.each([
    [
      'manifests/attacker.yaml',
      'nodeName: node-b',
      'nodeName: node-z',
      /nodeName must be the name of a Node .* not "node-z"/,
    ],
    [
      'manifests/attacker.yaml',
      'phase: Running',
      'phase: Pending',
      /status\.phase must be one of Running, not "Pending"/,
    ],
    ['manifests/attacker.yaml', 'kind: Deployment', 'kind: [', /attacker\.yaml\[0\] is not YAML/],
    [
      'traffic.yaml',
      'app: frontend',
      'app: fontend',
      /No pod in namespace storefront has the labels \{"app":"fontend"\}/,
    ],
    [
      'traffic.yaml',
      'everyMs: 1500',
      'everyMs: often',
      /call\[\d\]\.everyMs must be a whole number, not "often"/,
    ],
    ['outside.yaml', 'gateway: [', 'gateway: 1 #[', /outside\.yaml\[0\]\.gateway must be a list, not 1/],
  ])('reports what is invalid in %s when "%s" becomes "%s"', async (file, from, to, message) => {
    const directory = await copyStorefront();
    const text = await readFile(path.join(directory, file), 'utf8');
    expect(text).toContain(from);
    await writeFile(path.join(directory, file), text.replace(from, to));
    await expect(readDefinition(directory)).rejects.toThrow(message);
  });

  it('reports a path without a definition', async () => {
    await expect(readDefinition('/nowhere')).rejects.toThrow(/manifests cannot be read: .*\/nowhere/);
  });
});

async function copyStorefront(): Promise<string> {
  const directory = temporaryDirectory('lab-definition');
  copies.push(directory);
  await cp(definitionDirectory('storefront'), directory, { recursive: true });
  return directory;
}
