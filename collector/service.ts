import { hostname } from 'node:os';
import type { Logger } from '@sonde/backbone/logging';
import type { Readiness } from '@sonde/backbone/metrics/readiness';
import type { RunningService, ServiceDefinition } from '@sonde/backbone/service/run-service';
import type { KafkaConnection } from '@sonde/backbone/transport/kafka/connection';
import { kafkaConnection, kafkaTopics } from '@sonde/backbone/transport/kafka/options';
import { createKafkaPublisher } from '@sonde/backbone/transport/kafka/producer';
import type { TopicSettings } from '@sonde/backbone/transport/kafka/topics';
import { createSpooledPublisher } from '@sonde/backbone/transport/spool/spooled-publisher';
import type { Registry } from 'prom-client';
import { runCollector } from './collector.js';
import { registerCollectorMetrics } from './metrics.js';
import { collectorOptions } from './options.js';
import { flowprobeSource } from './probe/flowprobe.js';
import { probeProgram } from './probe/probe-program.js';
import type { FlowSource } from './source/flow-source.js';

/** The node agent: publishes the flows of a node's network interfaces to Kafka. */
export const collectorService: ServiceDefinition<(typeof collectorOptions)[number]> = {
  name: 'collector',
  description: "Watch this node's traffic and publish its flows to Kafka",
  options: collectorOptions,
  async start({ configuration, log, registry, readiness }) {
    const { cluster, node = hostname() } = configuration;
    // Ready only when packets are counted: those that pass before are in no flow record.
    readiness.set('probe', 'flowprobe is not attached to network interfaces yet');
    let isCounting = false;
    const source = flowprobeSource({
      program: probeProgram(),
      interfaces: configuration.interfaces,
      windowMs: configuration.window,
      onMessage: (line) => log.info({ line }, 'flowprobe wrote a message'),
      events: {
        onHello: ({ features, kernelRelease }) => log.info({ features, kernelRelease }, 'flowprobe started'),
        onInterfaces(interfaces) {
          const names = interfaces.map(({ name }) => name);
          const message = isCounting ? 'watched interfaces changed' : 'flowprobe counts packets from now on';
          log.info({ interfaces: names }, message);
          isCounting = true;
          readiness.set('probe', undefined);
        },
        onFault: (reason) => log.error({ reason }, 'frame of flowprobe discarded'),
      },
    });
    return await startCollector({
      ...{ cluster, node, source, log, registry, readiness },
      connection: kafkaConnection(configuration, `sonde-collector-${node}`),
      topics: kafkaTopics(configuration),
      transactionTimeoutMs: configuration['kafka.transactionTimeout'],
      spoolDirectory: configuration['spool.directory'],
      maxSpoolBytes: configuration['spool.maxSize'],
      drainMs: configuration['drain.timeout'],
    });
  },
};

export interface CollectorServiceOptions {
  readonly cluster: string;
  readonly node: string;
  readonly source: FlowSource;
  readonly connection: KafkaConnection;
  /** Topics to create if missing; undefined if they must exist. */
  readonly topics: TopicSettings | undefined;
  readonly transactionTimeoutMs?: number;
  readonly spoolDirectory: string;
  readonly maxSpoolBytes: number;
  /** Maximum time at shutdown to deliver the spool, in ms; the rest is delivered after the next start. */
  readonly drainMs: number;
  readonly registry: Registry;
  readonly readiness: Readiness;
  readonly log: Logger;
}

/** Starts to publish the flows of a source to Kafka, through a spool on disk. */
export async function startCollector(options: CollectorServiceOptions): Promise<RunningService> {
  const { cluster, node, source, connection, topics, transactionTimeoutMs, registry, log } = options;
  const sink = createKafkaPublisher({ connection, topics, transactionTimeoutMs, log });
  const publisher = await createSpooledPublisher(sink, {
    directory: options.spoolDirectory,
    maxBytes: options.maxSpoolBytes,
    registry,
    log,
  });
  options.readiness.check('Kafka', () => publisher.problem);
  const observer = registerCollectorMetrics(registry);
  const done = runCollector({ cluster, node, source, publisher, observer });
  return {
    done,
    async stop() {
      source.stop();
      await done.catch(() => undefined);
      await publisher.close(options.drainMs);
    },
  };
}
