import type { OptionDeclaration } from '@sonde/backbone/configuration/option';
import { clickHouseOptions } from '@sonde/backbone/store/clickhouse/options';
import { kafkaOptions } from '@sonde/backbone/transport/kafka/options';

/** Settings of the enricher. */
export const enricherOptions = [
  {
    key: 'cluster',
    type: 'string',
    required: true,
    description: 'Name of the watched cluster, as its collectors report it',
  },
  {
    key: 'kubernetes.watch',
    type: 'boolean',
    default: true,
    description: "Watches the cluster's API server",
  },
  {
    key: 'kubernetes.kubeconfig',
    type: 'file',
    needs: ['kubernetes.watch'],
    description: "Kubeconfig file; default: `KUBECONFIG`, `~/.kube/config` or the pod's service account",
  },
  {
    key: 'kubernetes.manifests',
    type: 'strings',
    default: [],
    description: 'Files and folders of Kubernetes manifests, instead of or in addition to the API server',
  },
  {
    key: 'kubernetes.otherClusters',
    type: 'strings',
    default: [],
    format: 'name=file',
    description: 'Other clusters with flows in the same topics, each with its kubeconfig file',
  },
  {
    key: 'kubernetes.identityRetention',
    type: 'duration',
    default: '1h',
    min: '1m',
    max: '24h',
    description: 'How long deleted pods and services stay known for late flows',
  },
  {
    key: 'kubernetes.identityTimeout',
    type: 'duration',
    default: '5s',
    min: '0s',
    max: '1m',
    description: 'How long flows wait for pods that the API server has not reported yet',
  },
  {
    key: 'retention',
    type: 'duration',
    min: '1d',
    max: '3650d',
    multipleOf: '1d',
    description: 'How long records are kept, in whole days; default: forever',
  },
  {
    key: 'kafka.groupId',
    type: 'string',
    description:
      'Consumer group; enrichers of one group share the work; default: `kafka.prefix` and `enrichers`',
  },
  {
    key: 'kafka.sessionTimeout',
    type: 'duration',
    default: '30s',
    min: '6s',
    max: '5m',
    description: 'Time without a heartbeat after which other enrichers take over the partitions',
  },
  {
    key: 'block.maxRows',
    type: 'integer',
    default: 100_000,
    min: 1,
    max: 200_000,
    description: 'Maximum rows of an insert',
  },
  {
    key: 'block.maxSize',
    type: 'size',
    default: '16Mi',
    min: '1Mi',
    max: '256Mi',
    description: 'Maximum size of the messages of an insert; they use five times as much memory',
  },
  {
    key: 'block.maxAge',
    type: 'duration',
    default: '1s',
    min: '0s',
    max: '1m',
    description: 'Maximum delay of a flow for a larger insert',
  },
  ...kafkaOptions,
  ...clickHouseOptions,
] as const satisfies readonly OptionDeclaration[];
