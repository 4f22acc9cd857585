import { FilterError } from '@sonde/model/filter/errors';
import { filterTypes } from '@sonde/model/filter/filter-types';
import { type Key, keyName, parseKey } from '@sonde/model/filter/key';
import { stringSql } from '@sonde/model/filter/sql';
import { endpointNameSql } from '@sonde/model/flow/endpoint-name';
import type { FieldDeclaration } from '@sonde/model/record/field';
import type { ParameterError } from '../errors.js';
import { valueJson } from '../records/record-json.js';
import type { SqlParameters } from '../sql/parameters.js';
import type { Column, Value } from './column.js';

/** A group key: a field, a label, or the display name of a flow's source or destination. */
export type Group = { readonly name: string } & (
  { readonly is: 'key'; readonly key: Key } | { readonly is: 'end'; readonly end: 'src' | 'dst' }
);

/** The display names of source and destination, which only flows have. */
const ENDS: ReadonlyMap<string, Group> = new Map(
  (['src', 'dst'] as const).map((end) => [`${end}_end`, { name: `${end}_end`, is: 'end', end }] as const),
);

/** Parses a group key such as `src.namespace`, `src.labels["app"]` or `src.end`; returns what is wrong if it is invalid. */
export function readGroup(
  text: string,
  fields: readonly FieldDeclaration[],
  parameter: string,
): Group | ParameterError {
  const end = ENDS.get(text.trim().replace(/^(src|dst)\./, '$1_'));
  if (end && fields.some(({ name }) => name === 'dst_kind')) return end;
  try {
    const key = parseKey(text, fields);
    return { name: keyName(key), is: 'key', key };
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    const { message, start, end: until, nearest } = error;
    return { parameter, reason: message, nearest, start, end: until };
  }
}

/** A group key as an SQL expression. */
export function groupSql(group: Group, parameters: SqlParameters): string {
  return group.is === 'end' ? endpointNameSql(group.end) : stringSql(group.key, parameters);
}

/** String fields with few values in any cluster. */
const LOW_CARDINALITY = /^(cluster|drop_reason)$|(^|_)(namespace|zone|workload_kind)$/;

/** Whether a group key has few values: not one per pod or address. */
export function isLowCardinality(group: Group): boolean {
  if (group.is === 'end' || group.key.kind !== 'field') return false;
  const { name, type } = group.key.field;
  return type === 'enumeration' || type === 'boolean' || type === 'uint8' || LOW_CARDINALITY.test(name);
}

/** The column type of a group key. */
export function groupType(group: Group): Column['type'] {
  if (group.is === 'end' || group.key.kind === 'label') return 'string';
  const type = filterTypes[group.key.field.type];
  // Tables write addresses as strings.
  return type === 'address' ? 'string' : type;
}

/** The value of a group key in the API's form. */
export function groupValue(group: Group, stored: NonNullable<Value>): Value {
  return group.is === 'end' || group.key.kind === 'label' ? stored : valueJson(group.key.field, stored);
}
