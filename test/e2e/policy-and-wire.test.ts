import { inNamespace } from '@sonde/deploy/lab/command/namespace';
import { run } from '@sonde/deploy/lab/command/run';
import type { LabPodInterface } from '@sonde/deploy/lab/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { type WatchedLab, watchLab } from './embedded-lab.js';
import { whySkipLive } from './live.js';
import { type ConnectionToMake, makeConnections } from './make-connections.js';

/** Ports that some policy of the lab names, some workload serves, or neither. */
const PORTS = [22, 53, 80, 443, 6443, 8080, 9100, 9880];

interface Attempt extends ConnectionToMake {
  readonly from: Source;
}

interface Source {
  readonly name: string;
  readonly netns: string;
  readonly addresses: readonly string[];
}

/** What a connection's flows say, all windows together. */
interface Said {
  readonly actions: string[];
  readonly contradictions: boolean[];
  readonly policies: string[];
}

describe.skipIf(whySkipLive() !== undefined)('policy verdicts and real packets in the lab', () => {
  let watched: WatchedLab;
  let pods: readonly LabPodInterface[];
  let attempts: Attempt[];
  let outcomes: Map<Attempt, string>;

  beforeAll(async () => {
    watched = await watchLab('e2epolicy');
    pods = watched.lab.nodes.flatMap(({ podInterfaces }) => podInterfaces);
    const sources = pods.map(({ pod, netns, addresses }) => ({ name: pod, netns, addresses }));
    attempts = sources.flatMap(attemptsFrom);
    outcomes = await makeAll(attempts);
  }, 120_000);

  afterAll(() => watched.down());

  it('agree for every pair of pods, every port, IPv4 and IPv6', async () => {
    expect(attempts.length).toBeGreaterThan(1000);
    expect(new Set(outcomes.values())).toEqual(new Set(['answered', 'refused', 'unanswered']));
    const expected = attempts.map((attempt) => {
      const action = outcomes.get(attempt) === 'unanswered' ? 'deny' : 'allow';
      return `${title(attempt)}: ${action}, no contradiction`;
    });
    await eventually(async () => {
      const said = await flowsByConnection();
      const told = attempts.map((attempt) => `${title(attempt)}: ${summary(said.get(keyOf(attempt)))}`);
      expect(told.filter((line, index) => line !== expected[index])).toEqual([]);
    }, 30_000);
  }, 60_000);

  it('contradict each other exactly where enforcement deviates from the policies', async () => {
    const [frontend, attacker] = [podNamed('frontend'), podNamed('attacker')];
    const [logging, backend] = [podNamed('logging'), podNamed('backend')];
    for (const { netns } of watched.lab.nodes) {
      // Lets the attacker through to the backend, and drops what the frontend may send to logging.
      const rules = [
        `insert rule inet enforcement forward ip saddr ${ipv4(attacker)} ip daddr ${ipv4(backend)} accept`,
        `insert rule inet enforcement forward ip saddr ${ipv4(frontend)} ip daddr ${ipv4(logging)} drop`,
      ];
      await run(inNamespace(netns, ['nft', '-f', '-']), { input: rules.join('\n') });
    }
    const to = (pod: LabPodInterface, port: number, localPort: number) => ({
      host: ipv4(pod),
      port,
      localPort,
    });
    const source = ({ pod, netns, addresses }: LabPodInterface): Source => ({ name: pod, netns, addresses });
    const changed: Attempt[] = [
      { from: source(attacker), ...to(backend, 8080, 61_001) },
      { from: source(frontend), ...to(logging, 9880, 61_002) },
      { from: source(frontend), ...to(podNamed('microservice1'), 8080, 61_003) },
      { from: source(attacker), ...to(logging, 9880, 61_004) },
    ];
    const ends = await makeAll(changed);
    expect(changed.map((attempt) => ends.get(attempt))).toEqual([
      'answered',
      'unanswered',
      'answered',
      'unanswered',
    ]);
    await eventually(async () => {
      const said = await flowsByConnection();
      expect(changed.map((attempt) => summary(said.get(keyOf(attempt))))).toEqual([
        'deny, contradiction',
        'allow, contradiction',
        'allow, no contradiction',
        'deny, no contradiction',
      ]);
    });
  });

  function attemptsFrom(from: Source): Attempt[] {
    const targets = pods
      .flatMap(({ addresses }) => addresses)
      .filter((address) => !from.addresses.includes(address));
    return targets.flatMap((host, target) =>
      PORTS.map((port, index) => ({ from, host, port, localPort: 20_000 + target * PORTS.length + index })),
    );
  }

  /** By client address and port, which no two attempts share. */
  async function flowsByConnection(): Promise<Map<string, Said>> {
    const rows = await watched.embedded.store.query<Said & { key: string }>(
      `SELECT concat(replaceOne(toString(src_ip), '::ffff:', ''), ' ', toString(src_port)) AS key,
         groupUniqArray(toString(action)) AS actions, groupUniqArray(policies) AS policies,
         groupUniqArray(contradiction) AS contradictions
       FROM flows WHERE protocol = 6 AND src_port >= 20000 GROUP BY key`,
    );
    return new Map(rows.map(({ key, ...said }) => [key, said]));
  }

  function podNamed(workload: string): LabPodInterface {
    const pod = pods.find((candidate) => candidate.pod.startsWith(workload));
    if (!pod) throw new Error(`the lab has no ${workload}`);
    return pod;
  }
});

async function makeAll(attempts: readonly Attempt[]): Promise<Map<Attempt, string>> {
  const bySource = new Map<string, Attempt[]>();
  for (const attempt of attempts) {
    bySource.set(attempt.from.netns, [...(bySource.get(attempt.from.netns) ?? []), attempt]);
  }
  const outcomes = new Map<Attempt, string>();
  // One pod after the other: two cores could not answer a thousand connections before the clients gave up.
  for (const [netns, some] of bySource) {
    for (const [index, outcome] of (await makeConnections(netns, some)).entries()) {
      const attempt = some[index];
      if (attempt) outcomes.set(attempt, outcome);
    }
  }
  return outcomes;
}

function summary(said: Said | undefined): string {
  if (!said) return 'no flow';
  return `${said.actions.join('+')}, ${said.contradictions.includes(true) ? 'contradiction' : 'no contradiction'}`;
}

function title({ from, host, port }: Attempt): string {
  return `${from.name} to ${host} ${port}`;
}

function keyOf({ from, host, localPort }: Attempt): string {
  const isIpv6 = (address: string) => address.includes(':');
  return `${from.addresses.find((address) => isIpv6(address) === isIpv6(host)) ?? ''} ${localPort}`;
}

function ipv4({ addresses }: LabPodInterface): string {
  return addresses.find((address) => !address.includes(':')) ?? '';
}
