import type { OptionDeclaration } from '@sonde/backbone/configuration/option';
import { kafkaOptions } from '@sonde/backbone/transport/kafka/options';

/** Settings of the collector. */
export const collectorOptions = [
  {
    key: 'cluster',
    type: 'string',
    required: true,
    description: 'Name of the cluster, stored in every flow',
  },
  {
    key: 'node',
    type: 'string',
    description: 'Kubernetes name of this node; default: the host name',
  },
  {
    key: 'interfaces',
    type: 'strings',
    required: true,
    description:
      'Network interfaces to watch, by name or shell pattern: those of pods (for example `cali*`) and those of the node',
  },
  {
    key: 'window',
    type: 'duration',
    default: '5s',
    min: '100ms',
    max: '5m',
    description: 'Interval at which the probe reports flows',
  },
  {
    key: 'spool.directory',
    type: 'string',
    default: '/var/lib/sonde/spool',
    description: 'Directory for batches that Kafka has not acknowledged; it must survive restarts',
  },
  {
    key: 'spool.maxSize',
    type: 'size',
    default: '1Gi',
    min: '1Mi',
    max: '1Ti',
    description: 'Maximum size of the spool; when it is full, the oldest batches are dropped and counted',
  },
  {
    key: 'drain.timeout',
    type: 'duration',
    default: '5s',
    min: '0s',
    max: '1h',
    description:
      'Maximum time at shutdown to deliver the spool to Kafka; the rest is delivered after the next start',
  },
  {
    key: 'kafka.transactionTimeout',
    type: 'duration',
    default: '15s',
    min: '1s',
    max: '15m',
    description:
      'Transaction timeout (`transactional.id`); after a crash, consumers of a partition wait up to this time plus 10 s for the open transaction',
  },
  ...kafkaOptions,
] as const satisfies readonly OptionDeclaration[];
