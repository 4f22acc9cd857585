import { setTimeout as delay } from 'node:timers/promises';
import type { Configuration, OptionDeclaration } from '@sonde/backbone/configuration/option';
import type { Logger } from '@sonde/backbone/logging';
import type { Readiness } from '@sonde/backbone/metrics/readiness';
import { type FlowStore, StoreError } from '@sonde/backbone/store/store';
import { createKafkaConsumer } from '@sonde/backbone/transport/kafka/consumer';
import { LiveContext } from '@sonde/enricher/context';
import { runEnricher } from '@sonde/enricher/enricher';
import { PendingAddresses } from '@sonde/enricher/pending';
import type { KubeConfigChoice } from '@sonde/enricher/watch/kube-config';
import { warmDomains } from '@sonde/enricher/warm-domains';
import type { Command } from 'commander';
import { clusterMetrics, pendingMetrics } from './cluster-metrics.js';
import { clickHouseOptions, openConfiguredStore } from './clickhouse-options.js';
import { type ClusterChoice, followChosenCluster, soonReady } from './followed-cluster.js';
import { kafkaConnection, kafkaOptions, kafkaTopics } from './kafka-options.js';
import { enricherMetrics } from './pipeline-metrics.js';
import { serviceCommand } from './service-command.js';
import { consumerMetrics } from './transport-metrics.js';

export const enricherOptions = [
  {
    key: 'cluster',
    type: 'text',
    required: true,
    description: 'Name of the cluster that is followed, as its collectors say',
  },
  {
    key: 'kubernetes.follow',
    type: 'boolean',
    default: true,
    description: 'Whether the cluster is followed through its API server',
  },
  {
    key: 'kubernetes.kubeconfig',
    type: 'file',
    needs: ['kubernetes.follow'],
    description: "Credentials for it; else `KUBECONFIG`, `~/.kube/config` or the pod's own",
  },
  {
    key: 'kubernetes.manifests',
    type: 'texts',
    default: [],
    description:
      'Files and folders of Kubernetes manifests that describe the cluster, alone or along with the API server',
  },
  {
    key: 'kubernetes.otherClusters',
    type: 'texts',
    default: [],
    form: 'name=file',
    description:
      'Other clusters whose flows come the same way: their names, and kubeconfigs for their API servers',
  },
  {
    key: 'kubernetes.horizonSeconds',
    type: 'number',
    default: 3600,
    least: 60,
    most: 86_400,
    description: 'How long pods and services that are gone are still known, for flows that come late',
  },
  {
    key: 'kubernetes.waitSeconds',
    type: 'number',
    default: 5,
    least: 0,
    most: 60,
    description: 'How long flows wait at most for pods that the API server has not told of yet',
  },
  {
    key: 'retentionDays',
    type: 'integer',
    least: 1,
    most: 3650,
    description: 'Days for which records are kept; else for ever',
  },
  {
    key: 'kafka.group',
    type: 'text',
    description: 'Enrichers of one group share the work; else `enrichers` behind `kafka.prefix`',
  },
  {
    key: 'kafka.sessionSeconds',
    type: 'number',
    default: 30,
    least: 6,
    most: 300,
    description: 'How long an enricher may be silent before others take over its partitions',
  },
  {
    key: 'block.rows',
    type: 'integer',
    default: 100_000,
    least: 1,
    most: 200_000,
    description: 'A block for the store is full at so many rows',
  },
  {
    key: 'block.mebibytes',
    type: 'integer',
    default: 16,
    least: 1,
    most: 256,
    description: 'or so much of messages, which take five times that in memory',
  },
  {
    key: 'block.seconds',
    type: 'number',
    default: 1,
    least: 0,
    most: 60,
    description: 'or when its first flow has waited so long: fewer and larger inserts, later answers',
  },
  ...kafkaOptions,
  ...clickHouseOptions,
] as const satisfies readonly OptionDeclaration[];

/** `sonde enricher`: from Kafka to ClickHouse. */
export function enricherCommand(): Command {
  return serviceCommand({
    name: 'enricher',
    description:
      'Take flows from Kafka, attach identity, service and policy context, and store them in ClickHouse',
    options: enricherOptions,
    start: ({ configuration, log, registry, readiness }) => {
      const stopping = new AbortController();
      const { signal } = stopping;
      const followers = new Map(
        clusterChoices(configuration).map((choice) => [
          choice.name,
          followChosenCluster(choice, log, signal),
        ]),
      );
      const store = openConfiguredStore(configuration, log, configuration.retentionDays);
      const contexts = new Map([...followers].map(([name, { context }]) => [name, context]));
      clusterMetrics(registry, followers);
      const consumer = createKafkaConsumer({
        connection: kafkaConnection(configuration, 'sonde-enricher'),
        group: configuration['kafka.group'],
        topics: kafkaTopics(configuration),
        claim: (partitions) => store.claim(partitions),
        block: {
          rows: configuration['block.rows'],
          bytes: configuration['block.mebibytes'] * 2 ** 20,
          ageMs: configuration['block.seconds'] * 1000,
        },
        sessionTimeoutMs: configuration['kafka.sessionSeconds'] * 1000,
        log,
      });
      consumerMetrics(registry, consumer);
      readiness.watch('Kafka', () => consumer.problem);
      const pending = new PendingAddresses({
        clusterOf: (name) => {
          const follower = followers.get(name);
          return follower?.isLive === true ? follower.context.cluster : undefined;
        },
        waitMs: configuration['kubernetes.waitSeconds'] * 1000,
        signal,
      });
      pendingMetrics(registry, pending);

      const run = async () => {
        await soonReady(Promise.all([...followers.values()].map(({ followed }) => followed.ready)), log);
        await untilMigrated(store, { log, readiness, signal });
        if (signal.aborted) return;
        for (const [name, { context }] of followers) await warmDomains(store, name, context);
        const metrics = enricherMetrics(registry);
        const histories = Promise.all(
          [...followers.values()].map(({ history, followed: { ready } }) =>
            history.run({ store, ready, log, signal }),
          ),
        );
        await runEnricher({
          ...{ consumer, store, pending, log, signal, reusesMemory: true },
          contextOf: (name) => contextOf(contexts, name, log),
          observer: {
            onStored(block) {
              readiness.set('store', undefined);
              metrics.onStored(block);
            },
            onRetry() {
              readiness.set('store', 'does not take blocks');
              metrics.onRetry();
            },
          },
        });
        stopping.abort();
        await histories;
      };
      const done = run().catch((error: unknown) => {
        // Whoever ends is told so by its signal; only what comes without it is a failure.
        if (!signal.aborted) throw error;
      });
      return {
        done,
        async stop() {
          consumer.close();
          stopping.abort();
          await done.catch(() => undefined);
          for (const { followed } of followers.values()) await followed.ended;
          await store.close();
        },
      };
    },
  });
}

/** The clusters that an enricher is to follow: its own, and others by their kubeconfigs. */
function clusterChoices(configuration: Configuration<(typeof enricherOptions)[number]>): ClusterChoice[] {
  const horizonMs = configuration['kubernetes.horizonSeconds'] * 1000;
  const own = {
    name: configuration.cluster,
    manifests: configuration['kubernetes.manifests'],
    kubeConfig: kubeConfigChoice(configuration),
    horizonMs,
  };
  const others = configuration['kubernetes.otherClusters'].map((text) => {
    const end = text.indexOf('=');
    return { name: text.slice(0, end), manifests: [], kubeConfig: { file: text.slice(end + 1) }, horizonMs };
  });
  const choices = [own, ...others];
  const twice = choices.find(({ name }, place) => choices.findIndex((one) => one.name === name) < place);
  if (twice) throw new RangeError(`cluster ${twice.name} is given twice: each needs a name of its own`);
  return choices;
}

function kubeConfigChoice(configuration: {
  readonly 'kubernetes.follow': boolean;
  readonly 'kubernetes.kubeconfig': string | undefined;
}): KubeConfigChoice | undefined {
  if (!configuration['kubernetes.follow']) return undefined;
  const file = configuration['kubernetes.kubeconfig'];
  return file === undefined ? 'usual places' : { file };
}

/** Flows of a cluster that is not followed are stored without names, not lost. */
function contextOf(contexts: Map<string, LiveContext>, name: string, log: Logger): LiveContext {
  let context = contexts.get(name);
  if (!context) {
    log.warn(
      { cluster: name },
      'flows come of a cluster that this enricher does not follow: they get no names',
    );
    context = new LiveContext();
    contexts.set(name, context);
  }
  return context;
}

const MIGRATION_RETRY_MS = 1_000;

interface MigrationOptions {
  readonly log: Logger;
  readonly readiness: Readiness;
  readonly signal: AbortSignal;
}

/** Makes or upgrades the tables, however long the store is away; what else is wrong with it is thrown. */
async function untilMigrated(store: FlowStore, { log, readiness, signal }: MigrationOptions): Promise<void> {
  while (!signal.aborted) {
    try {
      await store.migrate();
      readiness.set('store', undefined);
      return;
    } catch (error) {
      // With a number the server has answered: trying again would not change that.
      if (!(error instanceof StoreError) || error.code !== undefined) throw error;
      readiness.set('store', error.message);
      log.warn({ reason: error.message }, 'the store cannot be reached; trying again');
      await delay(MIGRATION_RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
