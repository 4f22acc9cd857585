import { calicoManifests } from '@sonde/model/policy/suggest/calico';
import { kubernetesManifests } from '@sonde/model/policy/suggest/kubernetes';
import { learnPolicies } from '@sonde/model/policy/suggest/suggest';
import type { RuleEvidence } from '@sonde/model/policy/suggest/manifest';
import type { Evidence } from '@sonde/model/policy/suggest/observed';
import { timeRangeJson, timeRangeJsonSchema } from '@sonde/query/time-range';
import { fixData } from '@sonde/query/records/data-snapshot';
import type { FastifyInstance } from 'fastify';
import { runCooperatively } from '@sonde/query/limits/cooperative-task';
import { clusterOf, clusterSchema } from '@sonde/query/policies/cluster';
import { serviceContext } from '@sonde/query/policies/service-context';
import { observedFlows } from '@sonde/query/policies/observed-flows';
import { evidenceText, suggestionYaml } from '@sonde/query/policies/suggestion-yaml';
import {
  type RecordQueryParameters,
  recordQuerySchema,
  parseRecordQuery,
} from '@sonde/query/records/record-query';

const dialects = ['kubernetes', 'calico', 'calico-enterprise'] as const;
type Dialect = (typeof dialects)[number];

interface Body extends RecordQueryParameters {
  readonly cluster?: string;
  readonly namespace: string;
  readonly dialect: Dialect;
  readonly tier: string;
  readonly order: number;
}

/** `POST /api/v1/policies/suggest`: least-privilege policies for a namespace, from observed flows. */
export function policySuggestionRoute(server: FastifyInstance): void {
  server.post<{ Body: Body }>('/api/v1/policies/suggest', { schema }, async (request) => {
    const { namespace, dialect, tier, order } = request.body;
    const requested = parseRecordQuery('flows', request.body, request.queryContext.limits);
    const cluster = await clusterOf(request.queryContext, request.body.cluster);
    const query = await fixData(request.queryContext, requested);
    const observed = await observedFlows(request.queryContext, cluster, namespace, query);
    const services = await serviceContext(request.queryContext, cluster, query.range, observed);
    const learning = learnPolicies(namespace, observed, services);
    const { policies, notCovered } = await runCooperatively(learning, request.disconnectSignal);
    const written =
      dialect === 'kubernetes'
        ? kubernetesManifests(namespace, policies)
        : {
            manifests: calicoManifests(namespace, policies, {
              ...{ tier, order, domains: dialect === 'calico-enterprise' },
            }),
            notCovered: [],
          };
    // Without observed flows, a policy that denies everything would be a guess.
    const manifests = policies.length === 0 ? [] : written.manifests;
    return {
      ...{ cluster, namespace },
      ...timeRangeJson(query.range),
      policies: manifests.map(({ manifest, workload, alsoSelects, rules }) => ({
        ...{ workload, alsoSelects, manifest },
        rules: rules.map(ruleJson),
      })),
      notCovered: [...notCovered, ...written.notCovered].map(({ reason, evidence }) => ({
        reason,
        ...evidenceJson(evidence),
      })),
      yaml: suggestionYaml(manifests),
    };
  });
}

function ruleJson(rule: RuleEvidence) {
  const { direction, index } = rule;
  const { services, evidence } = rule.rule;
  return {
    ...{ direction, index, why: evidenceText(rule), services: services.map(({ name }) => name) },
    ...evidenceJson(evidence),
  };
}

function evidenceJson({ flows, connections, bytes, firstMs, lastMs }: Evidence) {
  return {
    ...{ flows, connections, bytes },
    first: new Date(firstMs).toISOString(),
    last: new Date(lastMs).toISOString(),
  };
}

const evidenceProperties = {
  flows: { type: 'integer', description: 'Primary flow records: each connection and window once' },
  connections: { type: 'integer', description: 'Started connections' },
  bytes: { type: 'integer', description: 'Bytes of both directions' },
  first: { type: 'string', format: 'date-time', description: 'Start of the first flow' },
  last: { type: 'string', format: 'date-time', description: 'End of the last flow' },
} as const;

const schema = {
  summary: 'Suggest least-privilege policies for a namespace from the flows of a time range',
  description:
    'The suggested policies allow the flows that are allowed today. Exclude flows that must not be allowed with the filter.',
  body: {
    type: 'object',
    required: ['namespace'],
    additionalProperties: false,
    properties: {
      cluster: clusterSchema,
      namespace: {
        type: 'string',
        minLength: 1,
        maxLength: 253,
        examples: ['storefront'],
        description: 'The namespace to suggest policies for',
      },
      ...recordQuerySchema,
      from: { ...recordQuerySchema.from, default: '-24h' },
      dialect: {
        type: 'string',
        enum: dialects,
        default: 'kubernetes',
        description:
          'API of the policies. Only `calico-enterprise` (and Calico Cloud) supports domain names; the others use addresses',
      },
      tier: {
        type: 'string',
        pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
        maxLength: 63,
        default: 'default',
        description: 'Tier of Calico policies',
      },
      order: { type: 'number', default: 1000, description: 'Order of Calico policies within the tier' },
    },
  },
  response: {
    200: {
      type: 'object',
      required: ['cluster', 'namespace', 'from', 'to', 'policies', 'notCovered', 'yaml'],
      properties: {
        cluster: { type: 'string' },
        namespace: { type: 'string' },
        ...timeRangeJsonSchema,
        policies: {
          type: 'array',
          description:
            'One policy per workload and one that denies the rest; empty if no flows were observed',
          items: {
            type: 'object',
            required: ['workload', 'alsoSelects', 'manifest', 'rules'],
            properties: {
              workload: { type: 'string', description: 'Empty for the policy that denies the rest' },
              alsoSelects: {
                type: 'array',
                items: { type: 'string' },
                description: 'Other workloads with the same labels, which the policy selects too',
              },
              manifest: { type: 'object', additionalProperties: true, description: 'The policy' },
              rules: {
                type: 'array',
                description: 'The evidence for each rule',
                items: {
                  type: 'object',
                  required: ['direction', 'index', 'why', 'services', ...Object.keys(evidenceProperties)],
                  properties: {
                    direction: { type: 'string', enum: ['ingress', 'egress'] },
                    index: { type: 'integer', description: 'Index in the list of the manifest' },
                    why: { type: 'string', description: 'The evidence in words' },
                    services: {
                      type: 'array',
                      items: { type: 'string' },
                      description:
                        'Services that some of the flows addressed; the rule selects the pods of their selectors',
                    },
                    ...evidenceProperties,
                  },
                },
              },
            },
          },
        },
        notCovered: {
          type: 'array',
          description: 'Flows that no rule covers, by reason',
          items: {
            type: 'object',
            required: ['reason', ...Object.keys(evidenceProperties)],
            properties: { reason: { type: 'string' }, ...evidenceProperties },
          },
        },
        yaml: {
          type: 'string',
          description: 'All policies as YAML, with the evidence of each rule as a comment',
        },
      },
    },
  },
} as const;
