import { hostname } from 'node:os';
import type { OptionDeclaration } from '@sonde/backbone/configuration/option';
import type { Logger } from '@sonde/backbone/logging';
import type { Readiness } from '@sonde/backbone/metrics/readiness';
import type { KafkaConnection } from '@sonde/backbone/transport/kafka/connection';
import { createKafkaPublisher } from '@sonde/backbone/transport/kafka/producer';
import type { TopicSettings } from '@sonde/backbone/transport/kafka/topics';
import { createSpooledPublisher } from '@sonde/backbone/transport/spool/spooled-publisher';
import { runCollector } from '@sonde/collector/collector';
import { flowprobeSource } from '@sonde/collector/probe/flowprobe';
import type { FlowSource } from '@sonde/collector/source';
import type { Command } from 'commander';
import type { Registry } from 'prom-client';
import { probeProgram } from '../up/probe-program.js';
import { kafkaConnection, kafkaOptions, kafkaTopics } from './kafka-options.js';
import { collectorMetrics } from './pipeline-metrics.js';
import { type RunningService, serviceCommand } from './service-command.js';
import { publisherMetrics } from './transport-metrics.js';

export const collectorOptions = [
  { key: 'cluster', type: 'text', required: true, description: 'Name of the cluster in every flow' },
  {
    key: 'node',
    type: 'text',
    description: "Name of this node, as Kubernetes knows it; else the machine's host name",
  },
  {
    key: 'interfaces',
    type: 'texts',
    required: true,
    description:
      "Interfaces to watch, by name or pattern: those of the pods, for example `cali*`, and the node's own",
  },
  {
    key: 'windowSeconds',
    type: 'number',
    default: 5,
    least: 0.1,
    most: 300,
    description: 'How often flows are reported',
  },
  {
    key: 'spool.directory',
    type: 'text',
    default: '/var/lib/sonde/spool',
    description: 'Where batches wait for Kafka; it must outlive the process',
  },
  {
    key: 'spool.mostMebibytes',
    type: 'integer',
    default: 1024,
    least: 1,
    most: 1 << 20,
    description: 'Most that may wait; then the oldest is dropped, and counted',
  },
  {
    key: 'drain.seconds',
    type: 'number',
    default: 5,
    least: 0,
    most: 3600,
    description: 'How long Kafka may take at the end for what still waits; the rest waits for the next start',
  },
  {
    key: 'kafka.transactionSeconds',
    type: 'number',
    default: 15,
    least: 1,
    most: 900,
    description:
      'How long a delivery to Kafka may take; readers of a partition wait so long for a collector that ended within one and does not come back, and up to 10 s more',
  },
  ...kafkaOptions,
] as const satisfies readonly OptionDeclaration[];

/** `sonde collector`: the node agent. */
export function collectorCommand(): Command {
  return serviceCommand({
    name: 'collector',
    description: "Watch this node's traffic and publish its flows to Kafka",
    options: collectorOptions,
    start: async ({ configuration, log, registry, readiness }) => {
      const { cluster, node = hostname() } = configuration;
      const source = flowprobeSource({
        program: probeProgram(),
        interfaces: configuration.interfaces,
        windowMs: configuration.windowSeconds * 1000,
        onMessage: (line) => log.info({ probe: line }, 'the probe says'),
        events: { onFault: (reason) => log.error({ reason }, 'a frame of the probe was lost') },
      });
      return await startCollector({
        ...{ cluster, node, source, log, registry, readiness },
        connection: kafkaConnection(configuration, `sonde-collector-${node}`),
        topics: kafkaTopics(configuration),
        transactionTimeoutMs: configuration['kafka.transactionSeconds'] * 1000,
        spoolDirectory: configuration['spool.directory'],
        mostSpoolBytes: configuration['spool.mostMebibytes'] * 2 ** 20,
        drainMs: configuration['drain.seconds'] * 1000,
      });
    },
  });
}

export interface CollectorServiceOptions {
  readonly cluster: string;
  readonly node: string;
  readonly source: FlowSource;
  readonly connection: KafkaConnection;
  readonly topics: TopicSettings | undefined;
  readonly transactionTimeoutMs?: number;
  readonly spoolDirectory: string;
  readonly mostSpoolBytes: number;
  /** How long Kafka may take to accept what waits at the end; the rest waits for the next start. */
  readonly drainMs: number;
  readonly registry: Registry;
  readonly readiness: Readiness;
  readonly log: Logger;
}

/** Publishes a source's flows to Kafka, through a spool on the disk. */
export async function startCollector(options: CollectorServiceOptions): Promise<RunningService> {
  const { cluster, node, source, connection, topics, transactionTimeoutMs, registry, log } = options;
  const sink = createKafkaPublisher({ connection, topics, transactionTimeoutMs, log });
  const publisher = await createSpooledPublisher(sink, {
    directory: options.spoolDirectory,
    mostBytes: options.mostSpoolBytes,
    log,
  });
  publisherMetrics(registry, publisher);
  options.readiness.watch('Kafka', () => publisher.problem);
  const done = runCollector({ cluster, node, source, publisher, observer: collectorMetrics(registry) });
  return {
    done,
    async stop() {
      source.stop();
      await done.catch(() => undefined);
      await publisher.close(options.drainMs);
    },
  };
}
