import { nearestNames } from '@sonde/model/filter/nearest-names';
import type { FieldDeclaration } from '@sonde/model/record/field';
import type { ParameterError } from '../errors.js';

/** What metrics are taken of: a field, or a sum of two that people ask for as one. */
export interface Measure {
  readonly name: string;
  /** Its value in a record, as an expression of SQL; NULL where nothing was measured. */
  readonly sql: string;
  readonly unit: FieldDeclaration['unit'] | undefined;
  /** Numbers can be added up; times have an order; of the rest only the different ones can be counted. */
  readonly type: 'number' | 'time' | 'other';
}

/** Sums that are asked for as if they were fields. */
const SUMS: Readonly<Record<string, readonly [string, string]>> = {
  bytes: ['bytes_out', 'bytes_in'],
  packets: ['packets_out', 'packets_in'],
};

/** The names of all measures of records with these fields. */
export function measureNames(fields: readonly FieldDeclaration[]): string[] {
  const names = fields.map(({ name }) => name);
  const sums = Object.entries(SUMS).filter(([, parts]) => parts.every((part) => names.includes(part)));
  return [...sums.map(([name]) => name), ...names];
}

/** A measure by its name, in which the end may stand with a dot; or what is wrong with the name. */
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

/** Durations are 0 where none was measured, which is no duration. */
function fieldMeasure({ name, type, unit }: FieldDeclaration): Measure {
  if (type === 'time') return { name, sql: `toUnixTimestamp64Milli(${name})`, unit, type };
  if (!type.startsWith('uint')) return { name, sql: name, unit: undefined, type: 'other' };
  return { name, sql: unit === 'microseconds' ? `nullIf(${name}, 0)` : name, unit, type: 'number' };
}
