import { mapTask } from '../limits/cooperative-task.js';
import { safeNumber } from '../records/record-json.js';
import type { TimeRange } from '../time-range.js';
import { type Aggregation, TIME } from './aggregation.js';
import type { Column, Unit, Value } from './column.js';
import { groupType, groupValue } from './group.js';
import type { Metric } from './metrics.js';

/** The result of an aggregation. */
export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Value[])[];
  /** Whether there are more groups than the limit. */
  readonly truncated: boolean;
}

/** A task that converts the rows of an aggregation's statement to a table. */
export function* tableTask(
  stored: readonly Readonly<Record<string, Value>>[],
  aggregation: Aggregation,
  range: TimeRange,
): Generator<undefined, Table> {
  const { groups, metrics, intervalMs, limit } = aggregation;
  const kept = intervalMs === undefined ? stored.slice(0, limit) : stored;
  const rows = yield* mapTask(kept, (row) => {
    const startMs = intervalMs === undefined ? range.from : Number(row['t']);
    const endMs = intervalMs === undefined ? range.to : startMs + intervalMs;
    const seconds = (Math.min(endMs, range.to) - Math.max(startMs, range.from)) / 1000;
    return [
      ...(intervalMs === undefined ? [] : [new Date(startMs).toISOString()]),
      ...groups.map((group, at) => groupValue(group, row[`g${at}`] ?? '')),
      ...metrics.map((metric, at) => metricValue(metric, row[`m${at}`] ?? null, seconds)),
    ];
  });
  const truncated = kept.length < stored.length || stored[0]?.['more'] === 1;
  return { columns: columnsOf(aggregation), rows, truncated };
}

/** The columns of an aggregation. */
function columnsOf({ groups, metrics, intervalMs }: Aggregation): Column[] {
  return [
    ...(intervalMs === undefined ? [] : [{ name: TIME, type: 'time', role: 'time' } as const]),
    ...groups.map((group) => ({ name: group.name, type: groupType(group), role: 'group' }) as const),
    ...metrics.map((metric) => {
      const unit = unitOf(metric);
      const isTime = metric.measure?.type === 'time' && metric.function !== 'distinct';
      const type = isTime ? 'time' : 'number';
      return { name: metric.name, type, role: 'metric', ...(unit && { unit }) } as const;
    }),
  ];
}

function unitOf({ function: name, measure }: Metric): Unit | undefined {
  if (name === 'rate') return measure?.unit === undefined ? '1/s' : `${measure.unit}/s`;
  if (name === 'distinct' || name === 'count' || measure?.type === 'time') return undefined;
  return measure?.unit;
}

function metricValue(metric: Metric, value: Value, seconds: number): Value {
  if (value === null || typeof value === 'boolean') return value;
  if (metric.measure?.type === 'time' && metric.function !== 'distinct') {
    return new Date(Number(value)).toISOString();
  }
  if (metric.function === 'rate') return Number(value) / seconds;
  return typeof value === 'string' ? safeNumber(value) : value;
}
