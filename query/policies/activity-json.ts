import type { PolicyTraffic, ActivePolicy, PolicyActivity } from '@sonde/model/policy/activity/activity';
import type { PolicyCounters, Traffic } from '@sonde/model/policy/activity/policy-counters';
import { referenceOf, referenceProperties } from './references.js';

/** Policy activity as the API returns it; {@link activityProperties} is its schema. */
export function activityJson({ tiers, others, problems }: PolicyActivity) {
  return {
    tiers: tiers.map(({ name, exists, order, defaultAction, policies }) => ({
      ...{ name, exists, defaultAction },
      ...(order === undefined ? {} : { order }),
      policies: policies.map(policyJson),
    })),
    others: others.map((other) => ({ place: other.place, ...trafficJson(other) })),
    problems: problems.map(({ object, reason }) => ({ ...referenceOf(object), reason })),
  };
}

function policyJson(policy: ActivePolicy) {
  const { object, place, order, staged, directions } = policy;
  return {
    ...referenceOf(object),
    place,
    ...(order === undefined ? {} : { order }),
    ...(staged === undefined ? {} : { staged }),
    directions,
    manifest: object,
    ...trafficJson(policy),
  };
}

function trafficJson({ enforced, pending }: PolicyTraffic) {
  const last = Math.max(enforced?.lastMs ?? 0, pending?.lastMs ?? 0);
  return {
    hits: countersJson(enforced),
    pendingHits: countersJson(pending),
    ...(last === 0 ? {} : { lastHit: new Date(last).toISOString() }),
    neverHit: last === 0,
  };
}

function countersJson(hits: PolicyCounters | undefined) {
  const rules = [...(hits?.rules ?? [])].sort(
    (a, b) => (a.direction < b.direction ? 1 : a.direction > b.direction ? -1 : 0) || a.rule - b.rule,
  );
  return {
    actions: Object.fromEntries(hits?.actions ?? []),
    rules: rules.map(({ direction, rule, action, traffic }) => ({ direction, rule, action, ...traffic })),
  };
}

const trafficProperties = {
  flows: { type: 'integer', description: 'Flow records, each connection counted once' },
  connections: { type: 'integer', description: 'Connections that started' },
  bytes: { type: 'integer', description: 'Bytes in both directions' },
} as const satisfies Readonly<Record<keyof Traffic, object>>;

const trafficRequired = ['flows', 'connections', 'bytes'] as const;
const action = { type: 'string', enum: ['allow', 'deny', 'pass', 'unknown'] } as const;

const viewSchema = {
  type: 'object',
  required: ['actions', 'rules'],
  properties: {
    actions: {
      type: 'object',
      description: 'Traffic by action of the policy; actions without traffic are omitted',
      propertyNames: { enum: action.enum },
      additionalProperties: { type: 'object', required: trafficRequired, properties: trafficProperties },
    },
    rules: {
      type: 'array',
      description: 'Traffic by rule, for rules with traffic',
      items: {
        type: 'object',
        required: ['direction', 'rule', 'action', ...trafficRequired],
        properties: {
          direction: { type: 'string', enum: ['ingress', 'egress'] },
          rule: {
            type: 'integer',
            description: 'From 0, as in traces; -1 for the end of the tier if no rule matched; -2 if unknown',
          },
          action,
          ...trafficProperties,
        },
      },
    },
  },
} as const;

const policyTrafficProperties = {
  place: {
    type: 'string',
    description: 'Tier and policy as in traces',
    examples: ['default|knp:storefront/web'],
  },
  hits: viewSchema,
  pendingHits: { ...viewSchema, description: 'The same with staged policies as if they were enforced' },
  lastHit: {
    type: 'string',
    format: 'date-time',
    description: 'End of the latest flow; omitted if there was none in the time range',
  },
  neverHit: { type: 'boolean', description: 'Whether there was no traffic in the time range, in both views' },
} as const;

const policyTrafficRequired = ['place', 'hits', 'pendingHits', 'neverHit'] as const;
const order = {
  type: 'number',
  description: 'Lower first; omitted for policies without an order, which come last',
} as const;

/** The schema of {@link activityJson}'s properties. */
export const activityProperties = {
  tiers: {
    type: 'array',
    description: 'Tiers in the order of evaluation',
    items: {
      type: 'object',
      required: ['name', 'exists', 'defaultAction', 'policies'],
      properties: {
        name: { type: 'string', examples: ['default'] },
        exists: { type: 'boolean', description: 'False for a tier that only policies refer to' },
        order,
        defaultAction: {
          type: 'string',
          enum: ['deny', 'pass'],
          description: 'Action for selected traffic that no rule of the tier matches',
        },
        policies: {
          type: 'array',
          description: 'Policies in the order of evaluation',
          items: {
            type: 'object',
            required: ['apiVersion', 'kind', 'name', 'directions', 'manifest', ...policyTrafficRequired],
            properties: {
              ...referenceProperties,
              order,
              staged: {
                type: 'string',
                enum: ['Set', 'Delete', 'Learn', 'Ignore'],
                description: 'Action when the policy is committed; omitted if it is enforced',
              },
              directions: { type: 'array', items: { type: 'string', enum: ['ingress', 'egress'] } },
              manifest: { type: 'object', additionalProperties: true },
              ...policyTrafficProperties,
            },
          },
        },
      },
    },
  },
  others: {
    type: 'array',
    description: 'Traffic of profiles, and of policies that no longer exist or that you may not see',
    items: { type: 'object', required: policyTrafficRequired, properties: policyTrafficProperties },
  },
  problems: {
    type: 'array',
    description: 'Objects that are invalid and therefore ignored',
    items: {
      type: 'object',
      required: ['apiVersion', 'kind', 'name', 'reason'],
      properties: { ...referenceProperties, reason: { type: 'string' } },
    },
  },
} as const;
