import { nearestNames } from '@sonde/model/filter/nearest-names';
import type { FieldDeclaration } from '@sonde/model/record/field';
import type { ParameterError } from '../errors.js';

/** The input of a metric: a field, or the sum of both directions. */
export interface Measure {
  readonly name: string;
  /** The SQL expression of its value; NULL if nothing was measured. */
  readonly sql: string;
  readonly unit: FieldDeclaration['unit'] | undefined;
  /** Numbers can be added, times compared, others only counted. */
  readonly type: 'number' | 'time' | 'other';
}

/** Sums of both directions, usable like fields. */
const SUMS: Readonly<Record<string, readonly [string, string]>> = {
  bytes: ['bytes_out', 'bytes_in'],
  packets: ['packets_out', 'packets_in'],
};

/** The measures of records with these fields. */
export function measureNames(fields: readonly FieldDeclaration[]): string[] {
  const names = fields.map(({ name }) => name);
  const sums = Object.entries(SUMS).filter(([, parts]) => parts.every((part) => names.includes(part)));
  return [...sums.map(([name]) => name), ...names];
}

/** A measure by its name, `src_port` or `src.port`; returns what is wrong if it is unknown. */
export function readMeasure(
  given: string,
  fields: readonly FieldDeclaration[],
  parameter: string,
): Measure | ParameterError {
  const name = given.replace(/^(src|dst)\./, '$1_');
  const names = measureNames(fields);
  const of = (one: string) => fields.find((field) => field.name === one);
  const parts = Object.hasOwn(SUMS, name) && names.includes(name) ? SUMS[name] : undefined;
  if (parts) return { name, sql: `(${parts.join(' + ')})`, unit: of(parts[0])?.unit, type: 'number' };
  const field = of(name);
  if (field) return fieldMeasure(field);
  return { parameter, reason: `there is no field "${given}"`, nearest: nearestNames(name, names) };
}

/** The measure of a field. A duration of 0 means that none was measured. */
function fieldMeasure({ name, type, unit }: FieldDeclaration): Measure {
  if (type === 'time') return { name, sql: `toUnixTimestamp64Milli(${name})`, unit, type };
  if (!type.startsWith('uint')) return { name, sql: name, unit: undefined, type: 'other' };
  return { name, sql: unit === 'microseconds' ? `nullIf(${name}, 0)` : name, unit, type: 'number' };
}
