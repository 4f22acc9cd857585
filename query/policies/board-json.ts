import type { PolicyTraffic, ActivePolicy, PolicyActivity } from '@sonde/model/policy/activity/activity';
import type { PolicyCounters, Traffic } from '@sonde/model/policy/activity/policy-counters';
import { referenceOf, referenceProperties } from './references.js';

/** The board as the API gives it; {@link boardProperties} is its schema. */
export function boardJson({ tiers, others, problems }: PolicyActivity) {
  return {
    tiers: tiers.map(({ name, exists, order, defaultAction, policies }) => ({
      ...{ name, exists, defaultAction },
      ...(order === undefined ? {} : { order }),
      policies: policies.map(policyJson),
    })),
    others: others.map(({ place, ...hits }) => ({ place, ...hitsJson({ place, ...hits }) })),
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
    ...hitsJson(policy),
  };
}

function hitsJson({ enforced, pending }: PolicyTraffic) {
  const last = Math.max(enforced?.lastMs ?? 0, pending?.lastMs ?? 0);
  return {
    hits: viewJson(enforced),
    pendingHits: viewJson(pending),
    ...(last === 0 ? {} : { lastHit: new Date(last).toISOString() }),
    neverHit: last === 0,
  };
}

function viewJson(hits: PolicyCounters | undefined) {
  const rules = [...(hits?.rules ?? [])].sort(
    (a, b) => (a.direction < b.direction ? 1 : a.direction > b.direction ? -1 : 0) || a.rule - b.rule,
  );
  return {
    actions: Object.fromEntries(hits?.actions ?? []),
    rules: rules.map(({ direction, rule, action, traffic }) => ({ direction, rule, action, ...traffic })),
  };
}

const trafficProperties = {
  flows: { type: 'integer', description: 'Flow records, those that totals count' },
  connections: { type: 'integer', description: 'Connections that began' },
  bytes: { type: 'integer', description: 'Bytes of both directions' },
} as const satisfies Readonly<Record<keyof Traffic, object>>;

const trafficRequired = ['flows', 'connections', 'bytes'] as const;
const action = { type: 'string', enum: ['allow', 'deny', 'pass', 'unknown'] } as const;

const viewSchema = {
  type: 'object',
  required: ['actions', 'rules'],
  properties: {
    actions: {
      type: 'object',
      description: 'Traffic by what the policy did to it; actions that it did not take are absent',
      propertyNames: { enum: action.enum },
      additionalProperties: { type: 'object', required: trafficRequired, properties: trafficProperties },
    },
    rules: {
      type: 'array',
      description: 'The same by rule, for those that acted',
      items: {
        type: 'object',
        required: ['direction', 'rule', 'action', ...trafficRequired],
        properties: {
          direction: { type: 'string', enum: ['ingress', 'egress'] },
          rule: {
            type: 'integer',
            description:
              'From 0, as in traces; -1 if no rule matched and the end of the tier decided, -2 if it is not known',
          },
          action,
          ...trafficProperties,
        },
      },
    },
  },
} as const;

const hitsProperties = {
  place: {
    type: 'string',
    description: 'Tier and policy as traces name them',
    examples: ['default|knp:storefront/web'],
  },
  hits: viewSchema,
  pendingHits: { ...viewSchema, description: 'With staged policies as if they were enforced' },
  lastHit: { type: 'string', format: 'date-time', description: 'Absent if nothing met it in the time range' },
  neverHit: { type: 'boolean', description: 'Whether nothing met it in the time range, under either view' },
} as const;

const hitsRequired = ['place', 'hits', 'pendingHits', 'neverHit'] as const;
const order = { type: 'number', description: 'Lower first; absent for none, which is last' } as const;

/** The schema of {@link boardJson}'s properties. */
export const boardProperties = {
  tiers: {
    type: 'array',
    description: 'From left to right, in the order of evaluation',
    items: {
      type: 'object',
      required: ['name', 'exists', 'defaultAction', 'policies'],
      properties: {
        name: { type: 'string', examples: ['default'] },
        exists: { type: 'boolean', description: 'False for a tier that policies name though there is none' },
        order,
        defaultAction: {
          type: 'string',
          enum: ['deny', 'pass'],
          description: 'What becomes of traffic that policies of the tier select and no rule decides',
        },
        policies: {
          type: 'array',
          description: 'From top to bottom, in the order of evaluation',
          items: {
            type: 'object',
            required: ['apiVersion', 'kind', 'name', 'directions', 'manifest', ...hitsRequired],
            properties: {
              ...referenceProperties,
              order,
              staged: {
                type: 'string',
                enum: ['Set', 'Delete', 'Learn', 'Ignore'],
                description: 'What would become of it; absent if it is enforced',
              },
              directions: { type: 'array', items: { type: 'string', enum: ['ingress', 'egress'] } },
              manifest: { type: 'object', additionalProperties: true },
              ...hitsProperties,
            },
          },
        },
      },
    },
  },
  others: {
    type: 'array',
    description: 'What decided and is on no board: profiles, and policies that are gone or may not be seen',
    items: { type: 'object', required: hitsRequired, properties: hitsProperties },
  },
  problems: {
    type: 'array',
    description: 'Objects that cannot be used, and so count as absent',
    items: {
      type: 'object',
      required: ['apiVersion', 'kind', 'name', 'reason'],
      properties: { ...referenceProperties, reason: { type: 'string' } },
    },
  },
} as const;
