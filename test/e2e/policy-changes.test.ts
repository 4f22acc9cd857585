import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { inNamespace } from '@sonde/deploy/lab/command/namespace';
import { run } from '@sonde/deploy/lab/command/run';
import type { LabPodInterface } from '@sonde/deploy/lab/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { type WatchedLab, watchLab } from './embedded-lab.js';
import { whySkipLive } from './live.js';
import { makeConnections } from './make-connections.js';

/** Ports that some policy of the lab names, some workload serves, or neither. */
const PORTS = [80, 8080, 9880];
/** Pods that make their attempts at the same time: two cores could not answer all of them at once. */
const PODS_AT_ONCE = 3;
/** The telephony partner's addresses outside, which one policy lets one workload reach. */
const PARTNER = ['203.0.113.10', '2001:db8:113::10'];

/** What is then taken away, and what is put in. */
const REMOVED = [
  {
    apiVersion: 'projectcalico.org/v3',
    kind: 'NetworkPolicy',
    namespace: 'storefront',
    name: 'default.telephony',
  },
  { kind: 'NetworkPolicy', namespace: 'attacker', name: 'sandbox-egress' },
];
const ADDED = `apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: { name: default.no-direct-logging, namespace: storefront }
spec:
  tier: default
  order: 10
  selector: app == 'logging'
  types: [Ingress]
  ingress:
    - action: Deny
      source: { selector: fw-zone == 'dmz' }
`;

/** The same change, derived by hand, for what enforces policies in the lab. */
const ENFORCEMENT = `
insert rule inet enforcement egress ip saddr @microservice2_4 ip daddr @telephony4 counter drop
insert rule inet enforcement egress ip6 saddr @microservice2_6 ip6 daddr @telephony6 counter drop
flush chain inet enforcement egress_attacker
insert rule inet enforcement ingress ip saddr @dmz4 ip daddr @logging4 counter drop
insert rule inet enforcement ingress ip6 saddr @dmz6 ip6 daddr @logging6 counter drop
`;

interface Attempt {
  readonly from: LabPodInterface;
  readonly host: string;
  readonly port: number;
}

/** What became of an attempt: on the wire, and by its flows. */
interface Told {
  readonly outcome: string;
  readonly action: string;
  readonly contradiction: boolean;
  /** Who talked to whom on which port: what policies can tell of it. */
  readonly what: string;
}

interface Round {
  readonly from: string;
  readonly to: string;
  readonly told: readonly Told[];
}

describe.skipIf(whySkipLive() !== undefined)('policy changes in the lab', () => {
  let watched: WatchedLab;
  let attempts: Attempt[];
  let before: Round;
  let rounds = 0;

  beforeAll(async () => {
    watched = await watchLab('e2echanges');
    const pods = watched.lab.nodes.flatMap(({ podInterfaces }) => podInterfaces);
    attempts = pods.flatMap((from) =>
      [...pods.flatMap(({ addresses }) => addresses), ...PARTNER]
        .filter((host) => !from.addresses.includes(host))
        .flatMap((host) => PORTS.map((port) => ({ from, host, port }))),
    );
    before = await round();
  }, 240_000);

  afterAll(() => watched.down());

  it('suggested for a namespace allow every observed flow and deny the attacker', async () => {
    const range = { from: before.from, to: before.to };
    const suggested = await post('suggest', { ...range, namespace: 'storefront', dialect: 'calico' });
    expect(suggested['notCovered']).toEqual([]);
    const policies = path.join(watched.manifestsDirectory, 'policies-storefront.yaml');
    const shipped = await readFile(policies, 'utf8');
    await writeFile(policies, String(suggested['yaml']));
    await eventually(async () => {
      const names = await policyNames();
      expect(names).toContain('NetworkPolicy default.suggested-backend');
      expect(names).not.toContain('NetworkPolicy default.restricted');
    }, 30_000);
    const after = await round();
    expect(actions(after)).toEqual(actions(before));
    expect(after.told.filter(({ contradiction }) => contradiction)).toEqual([]);
    const byAttacker = after.told.filter(({ what }) => what.startsWith('attacker/attacker > storefront/'));
    expect(byAttacker.length).toBeGreaterThan(40);
    expect(new Set(byAttacker.map(({ action, outcome }) => `${action} ${outcome}`))).toEqual(
      new Set(['deny unanswered']),
    );
    await writeFile(policies, shipped);
    await eventually(
      async () => expect(await policyNames()).toContain('NetworkPolicy default.restricted'),
      30_000,
    );

    // Kubernetes' own policies can say the same of all that was observed here.
    const kubernetes = await post('suggest', { ...range, namespace: 'storefront', dialect: 'kubernetes' });
    const preview = await post('preview', {
      ...range,
      manifests: kubernetes['yaml'],
      filter: 'action == "allow"',
    });
    expect(preview).toMatchObject({ changes: [], notEvaluated: [] });
  }, 240_000);

  it('change exactly the flows that the preview reported when applied', async () => {
    const preview = await post('preview', {
      ...{ from: before.from, to: before.to, filter: 'protocol == 6 && src.port >= 20000', limit: 1000 },
      ...{ remove: REMOVED, manifests: ADDED },
    });
    expect(preview['notEvaluated']).toEqual([]);
    const foretold = (preview['changes'] as Change[]).map(whatOf).sort();

    await removePolicy('policies-storefront.yaml', 'default.telephony');
    await rm(path.join(watched.manifestsDirectory, 'policies-attacker.yaml'));
    await writeFile(path.join(watched.manifestsDirectory, 'added.yaml'), ADDED);
    for (const { netns } of watched.lab.nodes) {
      await run(inNamespace(netns, ['nft', '-f', '-']), { input: ENFORCEMENT });
    }
    await eventually(async () => {
      const names = await policyNames();
      expect(names).toContain('NetworkPolicy default.no-direct-logging');
      expect(names).not.toContain('NetworkPolicy sandbox-egress');
      expect(names).not.toContain('NetworkPolicy default.telephony');
    }, 30_000);

    const after = await round();
    const changed = new Map<string, number>();
    for (const [index, one] of before.told.entries()) {
      const other = after.told[index];
      if (!other || other.action === one.action) continue;
      const what = `${one.what}: ${one.action}, then ${other.action}`;
      changed.set(what, (changed.get(what) ?? 0) + 1);
    }
    expect(foretold).toEqual([...changed].map(([what, count]) => `${what}, ${count} connections`).sort());
    // The change must let something through, and stop something, or it would show little.
    expect(foretold.filter((line) => line.includes('allow, then deny')).length).toBeGreaterThan(1);
    expect(foretold.filter((line) => line.includes('deny, then allow')).length).toBeGreaterThan(1);
    expect(after.told.filter(({ contradiction }) => contradiction)).toEqual([]);
  }, 240_000);

  it('are listed with the flows they changed', async () => {
    const response = await fetch(`${watched.embedded.url}/api/v1/policies/changes?from=-30m&limit=1000`);
    const { changes } = (await response.json()) as {
      changes: { name: string; change: string; diff: string }[];
    };
    expect(changes.find(({ name }) => name === 'default.no-direct-logging')).toMatchObject({
      change: 'created',
      diff: expect.stringContaining("+        selector: fw-zone == 'dmz'") as string,
    });
    expect(changes.find(({ name }) => name === 'sandbox-egress')).toMatchObject({ change: 'deleted' });
  });

  /** Makes every attempt once, and tells what became of each. */
  async function round(): Promise<Round> {
    const from = new Date().toISOString();
    const base = 20_000 + 10_000 * rounds++;
    const outcomes = new Map<Attempt, string>();
    const keys = new Map<Attempt, string>();
    const make = async (pod: LabPodInterface) => {
      const own = attempts.filter((attempt) => attempt.from === pod);
      const connections = own.map(({ host, port }, index) => ({ host, port, localPort: base + index }));
      for (const [index, outcome] of (await makeConnections(pod.netns, connections)).entries()) {
        const attempt = own[index];
        if (!attempt) continue;
        outcomes.set(attempt, outcome);
        keys.set(attempt, `${addressLike(pod, attempt.host)} ${base + index}`);
      }
    };
    const pods = [...new Set(attempts.map((attempt) => attempt.from))];
    for (let at = 0; at < pods.length; at += PODS_AT_ONCE) {
      await Promise.all(pods.slice(at, at + PODS_AT_ONCE).map(make));
    }
    const told = await eventually(async () => {
      const flows = await flowsByConnection(base);
      return attempts.map((attempt): Told => {
        const flow = flows.get(keys.get(attempt) ?? '');
        if (flow?.actions.length !== 1) {
          throw new Error(
            `${keys.get(attempt) ?? ''} to ${attempt.host} ${attempt.port}: ${JSON.stringify(flow)}`,
          );
        }
        const [action = ''] = flow.actions;
        return {
          outcome: outcomes.get(attempt) ?? '',
          action,
          contradiction: flow.contradiction,
          what: flow.what,
        };
      });
    }, 60_000);
    return { from, to: new Date().toISOString(), told };
  }

  async function flowsByConnection(base: number) {
    const rows = await watched.embedded.store.query<{
      key: string;
      actions: string[];
      contradiction: boolean;
      what: string;
    }>(
      `SELECT concat(replaceOne(toString(src_ip), '::ffff:', ''), ' ', toString(src_port)) AS key,
         groupUniqArray(toString(action)) AS actions, max(contradiction) AS contradiction,
         any(concat(src_namespace, '/', src_workload, ' > ',
           if(dst_kind = 'pod', concat(dst_namespace, '/', dst_workload), 'outside'),
           ' ', toString(dst_port))) AS what
       FROM flows WHERE primary AND protocol = 6 AND src_port >= {from:UInt16} AND src_port < {to:UInt16} GROUP BY key`,
      { from: base, to: base + 10_000 },
    );
    return new Map(rows.map(({ key, ...flow }) => [key, flow]));
  }

  async function post(what: 'preview' | 'suggest', body: object): Promise<Record<string, unknown>> {
    const response = await fetch(`${watched.embedded.url}/api/v1/policies/${what}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    expect(response.status, JSON.stringify(answer)).toBe(200);
    return answer;
  }

  /** The policies that the board shows, by kind and name. */
  async function policyNames(): Promise<string[]> {
    const response = await fetch(`${watched.embedded.url}/api/v1/policies`);
    const { tiers } = (await response.json()) as { tiers: { policies: { kind: string; name: string }[] }[] };
    return tiers.flatMap(({ policies }) => policies.map(({ kind, name }) => `${kind} ${name}`));
  }

  async function removePolicy(file: string, name: string): Promise<void> {
    const full = path.join(watched.manifestsDirectory, file);
    const documents = (await readFile(full, 'utf8')).split('\n---\n');
    await writeFile(full, documents.filter((text) => !text.includes(`name: ${name}\n`)).join('\n---\n'));
  }
});

interface Change {
  readonly source: Readonly<Record<string, string>>;
  readonly destination: Readonly<Record<string, string>>;
  readonly port: number;
  readonly before: { readonly verdict: string };
  readonly after: { readonly verdict: string };
  readonly connections: number;
}

function whatOf({ source, destination, port, before, after, connections }: Change): string {
  const name = (end: Readonly<Record<string, string>>) =>
    `${end['namespace'] ?? ''}/${end['workload'] ?? ''}`;
  const to = destination['kind'] === 'pod' ? name(destination) : 'outside';
  return `${name(source)} > ${to} ${port}: ${before.verdict}, then ${after.verdict}, ${connections} connections`;
}

function actions({ told }: Round): string[] {
  return told.map(({ what, action }) => `${what}: ${action}`);
}

function addressLike({ addresses }: LabPodInterface, host: string): string {
  return addresses.find((address) => address.includes(':') === host.includes(':')) ?? '';
}
