import { FilterError } from '@sonde/model/filter/errors';
import { type Key, keyName, parseKey } from '@sonde/model/filter/key';
import { stringSql } from '@sonde/model/filter/sql';
import { endpointNameSql } from '@sonde/model/flow/endpoint-name';
import type { FieldDeclaration } from '@sonde/model/record/field';
import type { ParameterError } from '../errors.js';
import { valueJson } from '../records/record-json.js';
import type { SqlParameters } from '../sql/parameters.js';
import type { Column, Value } from './column.js';

/** What records are put together by: a field or a label of theirs, or one of their ends by its name for people. */
export type Group = { readonly name: string } & (
  { readonly is: 'key'; readonly key: Key } | { readonly is: 'end'; readonly end: 'src' | 'dst' }
);

/** The groups that are no field: ends, which only flows have. */
const ENDS: ReadonlyMap<string, Group> = new Map(
  (['src', 'dst'] as const).map((end) => [`${end}_end`, { name: `${end}_end`, is: 'end', end }] as const),
);

/** Reads what records are to be grouped by: `src.namespace`, `src.labels["app"]`, `src.end`; or what is wrong with it. */
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

/** A group as an expression of a record. */
export function groupSql(group: Group, parameters: SqlParameters): string {
  return group.is === 'end' ? endpointNameSql(group.end) : stringSql(group.key, parameters);
}

/** Fields of text that have few values in any cluster. */
const FEW = /^(cluster|drop_reason)$|(^|_)(namespace|zone|workload_kind)$/;

/** Whether records fall into few groups: not into one for each pod or address. */
export function isOfFew(group: Group): boolean {
  if (group.is === 'end' || group.key.kind !== 'field') return false;
  const { name, type } = group.key.field;
  return type === 'enumeration' || type === 'boolean' || type === 'uint8' || FEW.test(name);
}

/** The type of a group's column in an answer. */
export function groupType(group: Group): Column['type'] {
  return group.is === 'end' || group.key.kind === 'label' ? 'text' : COLUMN_TYPES[group.key.field.type];
}

const COLUMN_TYPES: Readonly<Record<FieldDeclaration['type'], Column['type']>> = {
  time: 'time',
  ip: 'text',
  text: 'text',
  enumeration: 'text',
  boolean: 'boolean',
  uint8: 'number',
  uint16: 'number',
  uint32: 'number',
  uint64: 'number',
};

/** A group's value in an answer, of that which the statement gives. */
export function groupValue(group: Group, stored: NonNullable<Value>): Value {
  return group.is === 'end' || group.key.kind === 'label' ? stored : valueJson(group.key.field, stored);
}
