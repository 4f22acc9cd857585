import type { Configuration } from '@sonde/backbone/configuration/option';
import type { ServiceDefinition } from '@sonde/backbone/service/run-service';
import { openConfiguredStore } from '@sonde/backbone/store/clickhouse/options';
import { createKafkaConsumer } from '@sonde/backbone/transport/kafka/consumer';
import { kafkaConnection, kafkaTopics } from '@sonde/backbone/transport/kafka/options';
import { assembleEnricher } from './assembly.js';
import type { ClusterChoice } from './live-cluster.js';
import { enricherOptions } from './options.js';
import type { KubeConfigChoice } from '@sonde/backbone/kubernetes/kube-config';

const MS_PER_DAY = 86_400_000;

/** The service that stores flows from Kafka in ClickHouse. */
export const enricherService: ServiceDefinition<(typeof enricherOptions)[number]> = {
  name: 'enricher',
  description: 'Add identity, service and policy context to flows from Kafka and store them in ClickHouse',
  options: enricherOptions,
  start({ configuration, log, registry, readiness }) {
    const enricher = assembleEnricher({
      clusters: clusterChoices(configuration),
      identityTimeoutMs: configuration['kubernetes.identityTimeout'],
      ...{ registry, readiness, log },
    });
    const retention = configuration.retention;
    const store = openConfiguredStore(
      configuration,
      log,
      retention === undefined ? undefined : retention / MS_PER_DAY,
    );
    const consumer = createKafkaConsumer({
      connection: kafkaConnection(configuration, 'sonde-enricher'),
      group: configuration['kafka.groupId'],
      topics: kafkaTopics(configuration),
      acquirePartitions: (partitions) => store.acquirePartitions(partitions),
      block: {
        rows: configuration['block.maxRows'],
        bytes: configuration['block.maxSize'],
        ageMs: configuration['block.maxAge'],
      },
      sessionTimeoutMs: configuration['kafka.sessionTimeout'],
      registry,
      log,
    });
    readiness.check('Kafka', () => consumer.problem);
    let isStopping = false;
    const run = async () => {
      await enricher.prepare(store, true);
      if (!isStopping) await enricher.run({ consumer, store });
      await enricher.close();
    };
    const done = run().catch((error: unknown) => {
      // What fails because of the stop is not a failure.
      if (!isStopping) throw error;
    });
    return {
      done,
      async stop() {
        isStopping = true;
        consumer.close();
        const closed = enricher.close().catch(() => undefined);
        await done.catch(() => undefined);
        await closed;
        await store.close();
      },
    };
  },
};

/** The clusters to watch: the enricher's own, and others by their kubeconfigs. */
function clusterChoices(configuration: Configuration<(typeof enricherOptions)[number]>): ClusterChoice[] {
  const identityRetentionMs = configuration['kubernetes.identityRetention'];
  const own = {
    name: configuration.cluster,
    manifests: configuration['kubernetes.manifests'],
    kubeConfig: kubeConfigChoice(configuration),
    identityRetentionMs,
  };
  const others = configuration['kubernetes.otherClusters'].map((entry) => {
    const end = entry.indexOf('=');
    const kubeConfig = { file: entry.slice(end + 1) };
    return { name: entry.slice(0, end), manifests: [], kubeConfig, identityRetentionMs };
  });
  const choices = [own, ...others];
  const names = choices.map(({ name }) => name);
  const duplicate = names.find((name, index) => names.indexOf(name) < index);
  if (duplicate !== undefined)
    throw new RangeError(`cluster ${duplicate} is configured twice; give each cluster a unique name`);
  return choices;
}

function kubeConfigChoice(configuration: {
  readonly 'kubernetes.watch': boolean;
  readonly 'kubernetes.kubeconfig': string | undefined;
}): KubeConfigChoice | undefined {
  if (!configuration['kubernetes.watch']) return undefined;
  const file = configuration['kubernetes.kubeconfig'];
  return file === undefined ? 'usual places' : { file };
}
