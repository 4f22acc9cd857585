import { calicoManifests } from '@sonde/model/policy/suggest/calico';
import { kubernetesManifests } from '@sonde/model/policy/suggest/kubernetes';
import { learnPolicies } from '@sonde/model/policy/suggest/suggest';
import type { RuleEvidence } from '@sonde/model/policy/suggest/manifest';
import type { Evidence } from '@sonde/model/policy/suggest/observed';
import type { FastifyInstance } from 'fastify';
import { runCooperatively } from '@sonde/query/limits/cooperative-task';
import { clusterOf, clusterSchema } from '@sonde/query/policies/cluster';
import { knownServices } from '@sonde/query/policies/known-services';
import { observedFlows } from '@sonde/query/policies/observed-flows';
import { evidenceText, suggestionYaml } from '@sonde/query/policies/suggestion-yaml';
import { problemSchema } from '../http/problem.js';
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

/** `POST /api/v1/policies/suggest`: the least that a namespace must be allowed, by what was observed. */
export function policiesSuggestRoute(server: FastifyInstance): void {
  server.post<{ Body: Body }>('/api/v1/policies/suggest', { schema }, async (request) => {
    const { namespace, dialect, tier, order, cluster: asked } = request.body;
    const question = parseRecordQuery('flows', request.body, request.queryContext.limits);
    const cluster = await clusterOf(request.queryContext, asked);
    const observed = await observedFlows(request.queryContext, cluster, namespace, question);
    const services = await knownServices(request.queryContext, cluster, question.range, observed);
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
    // A namespace of which nothing was seen needs no policy; denying everything would be a guess.
    const manifests = policies.length === 0 ? [] : written.manifests;
    return {
      ...{ cluster, namespace },
      from: new Date(question.range.from).toISOString(),
      to: new Date(question.range.to).toISOString(),
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
  flows: { type: 'integer', description: 'Flow records, those that totals count' },
  connections: { type: 'integer', description: 'Connections that began' },
  bytes: { type: 'integer', description: 'Bytes of both directions' },
  first: { type: 'string', format: 'date-time' },
  last: { type: 'string', format: 'date-time' },
} as const;

const schema = {
  summary:
    'The least that the pods of a namespace must be allowed, as policies, by the flows of a time range',
  description:
    'Flows that policies allow are taken for those that are to stay so. What must not stay allowed is left out by the filter',
  body: {
    type: 'object',
    required: ['namespace'],
    additionalProperties: false,
    properties: {
      cluster: clusterSchema,
      namespace: { type: 'string', minLength: 1, maxLength: 253, examples: ['storefront'] },
      ...recordQuerySchema,
      from: { ...recordQuerySchema.from, default: '-24h' },
      dialect: {
        type: 'string',
        enum: dialects,
        default: 'kubernetes',
        description:
          'What can read them; only `calico-enterprise` (and Calico Cloud) names domains, the others their addresses',
      },
      tier: {
        type: 'string',
        pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
        maxLength: 63,
        default: 'default',
        description: "Calico's tier that the policies go to",
      },
      order: { type: 'number', default: 1000, description: 'Their order within the tier' },
    },
  },
  response: {
    200: {
      type: 'object',
      required: ['cluster', 'namespace', 'from', 'to', 'policies', 'notCovered', 'yaml'],
      properties: {
        cluster: { type: 'string' },
        namespace: { type: 'string' },
        from: { type: 'string', format: 'date-time' },
        to: { type: 'string', format: 'date-time' },
        policies: {
          type: 'array',
          description: 'One for each workload, and one that denies the rest; none if nothing was observed',
          items: {
            type: 'object',
            required: ['workload', 'alsoSelects', 'manifest', 'rules'],
            properties: {
              workload: { type: 'string', description: 'Empty for the one that denies the rest' },
              alsoSelects: {
                type: 'array',
                items: { type: 'string' },
                description: 'Other workloads that no label tells apart from it',
              },
              manifest: { type: 'object', additionalProperties: true },
              rules: {
                type: 'array',
                description: 'What each rule is for',
                items: {
                  type: 'object',
                  required: ['direction', 'index', 'why', 'services', ...Object.keys(evidenceProperties)],
                  properties: {
                    direction: { type: 'string', enum: ['ingress', 'egress'] },
                    index: { type: 'integer', description: "Its place in the manifest's list, from 0" },
                    why: { type: 'string' },
                    services: {
                      type: 'array',
                      items: { type: 'string' },
                      description:
                        "Services to whose addresses some of the flows went: who stands behind them is told by the services' selectors",
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
          description: 'Flows that no rule stands for, by reason',
          items: {
            type: 'object',
            required: ['reason', ...Object.keys(evidenceProperties)],
            properties: { reason: { type: 'string' }, ...evidenceProperties },
          },
        },
        yaml: {
          type: 'string',
          description: 'All policies as one text, each rule with its reason as a comment',
        },
      },
    },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;
