import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { policyCommand } from './command.js';

let folder = '';
beforeAll(() => {
  folder = temporaryDirectory('policy');
});

/** Writes a file of the test's folder and names it. */
function file(name: string, content: unknown): string {
  const at = path.join(folder, name);
  writeFileSync(at, typeof content === 'string' ? content : JSON.stringify(content));
  return at;
}

/** Runs the command and returns what it prints. */
async function run(...given: string[]): Promise<string> {
  let printed = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  try {
    await policyCommand().parseAsync(given, { from: 'user' });
  } finally {
    write.mockRestore();
  }
  return printed;
}

const CLUSTER = `
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: a}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}
status: {podIPs: [{ip: 10.0.0.1}]}
---
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Pod
    metadata: {name: client, namespace: shop, labels: {app: client}}
    status: {podIPs: [{ip: 10.0.0.2}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
    - from: [{podSelector: {matchLabels: {app: client}}}]
      ports: [{port: http}]
---
apiVersion: projectcalico.org/v3
kind: StagedNetworkPolicy
metadata: {name: freeze, namespace: shop}
spec: {order: 1, selector: app == 'web', ingress: [{action: Deny}]}
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: names}
spec:
  tier: Admin
  priority: 1
  subject: {pods: {podSelector: {matchLabels: {app: client}}}}
  egress:
    - {action: Accept, to: [{domainNames: ['*.example.org']}]}
    - {action: Deny, to: [{networks: [192.0.2.0/24]}]}
`;

describe('sonde policy evaluate', () => {
  it('answers every connection in order, with verdict, traces, pending verdict and the input itself', async () => {
    const manifests = file('cluster.yaml', CLUSTER);
    const connections = file('connections.json', [
      { from: 'shop/client', to: 'shop/web', protocol: 'TCP', port: 8080 },
      { from: '198.51.100.7', to: 'shop/web', protocol: 6, port: 'http' },
    ]);
    const printed = await run(
      'evaluate',
      '--manifests',
      manifests,
      '--connections',
      connections,
      '-o',
      'json',
    );
    expect(JSON.parse(printed)).toEqual([
      {
        from: 'shop/client',
        to: 'shop/web',
        protocol: 'TCP',
        port: 8080,
        verdict: 'allow',
        egress: {
          verdict: 'allow',
          trace: ['0|kube-admin|kcnp:names|pass|-1', '1|__PROFILE__|pro:kns.shop|allow|0'],
        },
        ingress: { verdict: 'allow', trace: ['0|default|knp:shop/web|allow|0'] },
        pending: {
          verdict: 'deny',
          egress: {
            verdict: 'allow',
            trace: ['0|kube-admin|kcnp:names|pass|-1', '1|__PROFILE__|pro:kns.shop|allow|0'],
          },
          ingress: { verdict: 'deny', trace: ['0|default|snp:shop/freeze|deny|0'] },
        },
        notes: [],
      },
      {
        from: '198.51.100.7',
        to: 'shop/web',
        protocol: 6,
        port: 'http',
        verdict: 'deny',
        egress: { verdict: 'allow', trace: [] },
        ingress: { verdict: 'deny', trace: ['0|default|knp:shop/web|deny|-1'] },
        pending: {
          verdict: 'deny',
          egress: { verdict: 'allow', trace: [] },
          ingress: { verdict: 'deny', trace: ['0|default|snp:shop/freeze|deny|0'] },
        },
        notes: [],
      },
    ]);
  });

  it('says unknown where a domain decides and no DNS answers are given, and decides with them', async () => {
    const manifests = file('cluster.yaml', CLUSTER);
    const connections = file('connections.json', [
      { from: 'shop/client', to: '192.0.2.1', protocol: 'TCP', port: 443 },
    ]);
    const without = await run(
      'evaluate',
      '--manifests',
      manifests,
      '--connections',
      connections,
      '-o',
      'json',
    );
    expect(JSON.parse(without)).toMatchObject([
      {
        verdict: 'unknown',
        egress: { trace: ['0|kube-admin|kcnp:names|unknown|-2'] },
        notes: [expect.stringContaining('DNS answers') as string],
      },
    ]);
    const dns = file('dns.json', { 'www.example.org': ['192.0.2.1'] });
    const byName = file('by-name.json', [
      { from: 'shop/client', to: 'www.example.org', protocol: 'TCP', port: 443 },
    ]);
    const given = await run(
      ...['evaluate', '--manifests', manifests, '--connections', byName, '--dns', dns, '-o', 'json'],
    );
    expect(JSON.parse(given)).toMatchObject([{ verdict: 'allow' }]);
  });

  it('prints a table of the same', async () => {
    const manifests = file('cluster.yaml', CLUSTER);
    const connections = file('connections.json', [
      { from: 'shop/client', to: 'shop/web', protocol: 'TCP', port: 8080 },
    ]);
    const printed = await run('evaluate', '--manifests', manifests, '--connections', connections);
    expect(printed).toMatch(/FROM +TO +PROTOCOL +PORT +VERDICT/);
    expect(printed).toMatch(
      /shop\/client +shop\/web +TCP +8080 +allow .* allowed by NetworkPolicy shop\/web, rule 0 +deny/,
    );
  });

  it('refuses a malformed policy, naming file, object, field and position', async () => {
    const manifests = file(
      'broken.yaml',
      `${CLUSTER}---\n${JSON.stringify({
        apiVersion: 'projectcalico.org/v3',
        kind: 'GlobalNetworkPolicy',
        metadata: { name: 'broken' },
        spec: { selector: 'app = "web"', surprise: 1 },
      })}`,
    );
    const connections = file('connections.json', []);
    const running = run('evaluate', '--manifests', manifests, '--connections', connections);
    await expect(running).rejects.toThrow(
      /broken\.yaml:\d+: GlobalNetworkPolicy broken: spec\.surprise .*\n.*: spec\.selector at character 4 of the selector: expected ==/,
    );
  });

  it('refuses a connection to a pod that is not there, naming the connection and its field', async () => {
    const manifests = file('cluster.yaml', CLUSTER);
    const connections = file('connections.json', [
      { from: 'shop/client', to: 'shop/gone', protocol: 'TCP', port: 1 },
      { from: 'shop/client', to: 'shop/web', protocol: 'TCP' },
    ]);
    const running = run('evaluate', '--manifests', manifests, '--connections', connections);
    await expect(running).rejects.toThrow(
      /connection \[0\]: to is the pod or workload shop\/gone.*\n.*connection \[1\]: port is missing/,
    );
  });
});

describe('sonde policy explain', () => {
  it('lists what selects a pod, per tier in order', async () => {
    const manifests = file('cluster.yaml', CLUSTER);
    const printed = await run('explain', 'shop/web', '--manifests', manifests, '-o', 'json');
    expect(JSON.parse(printed)).toMatchObject({
      pod: 'shop/web',
      applying: [
        { direction: 'ingress', tier: 'default', policy: 'snp:shop/freeze', order: 1, staged: true },
        { direction: 'ingress', tier: 'default', policy: 'knp:shop/web', order: 1000, staged: false },
      ],
    });
    expect(await run('explain', 'shop/client', '--manifests', manifests)).toMatch(
      /egress +kube-admin +kcnp:names/,
    );
  });
});

describe('sonde policy match', () => {
  it('answers true or false for one selector', async () => {
    expect(await run('match', '--selector', "app in {'web'}", '--labels', 'app=web,tier=1')).toBe('true\n');
    expect(await run('match', '--selector', '!has(app)', '--labels', 'app=web')).toBe('false\n');
  });

  it('answers a file of them with a list of the same length, errors with their position', async () => {
    const asked = file('match.json', [
      { selector: '', labels: {} },
      { selector: 'a == b', labels: { a: 'b' } },
    ]);
    expect(JSON.parse(await run('match', '--file', asked))).toEqual([
      true,
      { error: 'expected a quoted string', position: 5 },
    ]);
  });
});
