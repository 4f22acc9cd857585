import { PolicyEvaluator } from '@sonde/model/policy/evaluator';
import { TCP } from '@sonde/model/net/protocol';
import { readPolicyObject, type PolicyResource } from '@sonde/model/policy/read-object';
import type { PolicyPod } from '@sonde/model/policy/endpoint/pods-and-nodes';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { below, randomNumbers } from '../builders/random.js';

const NAMESPACES = 200;
const PODS = 10_000;
const POLICIES = 1_000;
const WORKLOADS_PER_NAMESPACE = 10;
/** Distinct connections in the cached measurement: as many as a busy node has. */
const CACHED_CONNECTIONS = 20_000;

interface BenchPod extends PolicyPod {
  readonly address: Uint8Array;
}

/**
 * Measures the policy evaluator on one core, over 10,000 pods in 200 namespaces under 1,000 policies of all
 * three families: lookups of cached results, evaluations of new connections, and a change of one policy.
 */
export function run(): Promise<Record<string, number>> {
  const before = heapMebibytes();
  const evaluator = new PolicyEvaluator();
  const pods = Array.from({ length: PODS }, (_, index) => pod(index));
  for (let index = 0; index < NAMESPACES; index++) {
    evaluator.setNamespace(namespace(index), { team: `team-${index % 20}` });
  }
  const compileMillis = time(() => {
    for (let index = 0; index < POLICIES; index++) evaluator.apply(policy(index));
  });
  const identities = pods.map((held) => evaluator.identify(held.address, 0, held));
  const pairs = connections(identities, 200_000);

  const coldMicros = (time(() => evaluateAll(evaluator, pairs)) * 1000) / (pairs.length / 3);
  const mebibytes = heapMebibytes() - before;

  const hot = pairs.subarray(0, CACHED_CONNECTIONS * 3);
  evaluateAll(evaluator, hot);
  const rounds = 200;
  const hotMillis = time(() => {
    for (let round = 0; round < rounds; round++) evaluateAll(evaluator, hot);
  });

  const recompileMillis = worst(20, (round) => {
    evaluator.apply(policy(round * 37, round));
    for (const held of pods) {
      const identity = evaluator.identify(held.address, 0, held);
      evaluator.program(identity, 'egress');
      evaluator.program(identity, 'ingress');
    }
  });
  return Promise.resolve({
    'policy.cachedLookupsPerSecond': Math.round((CACHED_CONNECTIONS * rounds * 1000) / hotMillis),
    'policy.coldMicros': coldMicros,
    'policy.compileMillis': compileMillis,
    'policy.recompileMillis': recompileMillis,
    'policy.mebibytes': mebibytes,
  });
}

/** Evaluates connections laid out as source, destination and port. */
function evaluateAll(evaluator: PolicyEvaluator, pairs: Int32Array): number {
  let sum = 0;
  for (let at = 0; at < pairs.length; at += 3) {
    sum += evaluator.evaluate(pairs[at] ?? 0, pairs[at + 1] ?? 0, TCP, pairs[at + 2] ?? 0, 40_000);
  }
  return sum;
}

/** Random distinct connections between identities. */
function connections(identities: readonly number[], count: number): Int32Array {
  const random = randomNumbers(7);
  const pairs = new Int32Array(count * 3);
  for (let at = 0; at < pairs.length; at += 3) {
    pairs[at] = identities[below(identities.length, random)] ?? 0;
    pairs[at + 1] = identities[below(identities.length, random)] ?? 0;
    pairs[at + 2] = at % 9 === 0 ? 8080 : 1024 + below(20_000, random);
  }
  return pairs;
}

function pod(index: number): BenchPod {
  const workload = index % WORKLOADS_PER_NAMESPACE;
  return {
    namespace: namespace(Math.floor(index / (PODS / NAMESPACES))),
    labels: { app: `app-${workload}`, tier: `tier-${workload % 3}`, instance: `instance-${index}` },
    serviceAccount: `account-${workload % 4}`,
    ports: [{ name: 'http', protocol: TCP, port: 8080 }],
    address: Uint8Array.of(
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0xff,
      0xff,
      10,
      64 + (index >> 16),
      index >> 8,
      index,
    ),
  };
}

function namespace(index: number): string {
  return `namespace-${index}`;
}

/** One of the policies; families alternate. Versions differ in ports and prefixes. */
function policy(index: number, version = 0): PolicyResource {
  const port = 8080 + version;
  const app = `app-${index % WORKLOADS_PER_NAMESPACE}`;
  const metadata = { name: `policy-${index}`, namespace: namespace(index % NAMESPACES) };
  if (index % 50 === 0) {
    return resource(
      'policy.networking.k8s.io/v1alpha2',
      'ClusterNetworkPolicy',
      { name: metadata.name },
      {
        tier: index % 100 === 0 ? 'Admin' : 'Baseline',
        priority: index,
        subject: { namespaces: { matchLabels: { team: `team-${index % 20}` } } },
        egress: [
          {
            action: 'Deny',
            to: [{ networks: [`198.51.${(index + version) % 256}.0/24`] }],
            protocols: [{ tcp: { destinationPort: { number: port } } }],
          },
        ],
      },
    );
  }
  if (index % 3 === 0) {
    return resource('projectcalico.org/v3', 'NetworkPolicy', metadata, {
      order: index,
      selector: `app == '${app}'`,
      ingress: [
        {
          action: 'Allow',
          protocol: 'TCP',
          source: { selector: `tier in {'tier-0', 'tier-1'}` },
          destination: { ports: [port] },
        },
        { action: 'Allow', source: { nets: [`10.${(index + version) % 200}.0.0/16`] } },
      ],
    });
  }
  return resource('networking.k8s.io/v1', 'NetworkPolicy', metadata, {
    podSelector: { matchLabels: { app } },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      {
        from: [
          { podSelector: { matchLabels: { tier: 'tier-1' } } },
          { namespaceSelector: { matchLabels: { team: `team-${index % 20}` } } },
        ],
        ports: [{ port: 'http' }, { port }],
      },
    ],
    egress: [
      { to: [{ ipBlock: { cidr: '10.64.0.0/12', except: [`10.65.${(index + version) % 256}.0/24`] } }] },
    ],
  });
}

function resource(apiVersion: string, kind: string, metadata: object, spec: object): PolicyResource {
  const reading = readPolicyObject({ apiVersion, kind, metadata, spec } as unknown as KubernetesObject);
  if (reading.is !== 'resource') throw new Error(`the benchmark's ${kind} is not valid`);
  return reading.resource;
}

function time(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

function worst(rounds: number, work: (round: number) => void): number {
  let most = 0;
  for (let round = 0; round < rounds; round++)
    most = Math.max(
      most,
      time(() => work(round)),
    );
  return most;
}

function heapMebibytes(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
}
