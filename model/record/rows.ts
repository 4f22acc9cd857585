import { formatAddress } from '../net/address.js';
import { type ColumnByType, columnOf, type ColumnsOf, type Column, type StringColumn } from './columns.js';
import type { FieldDeclaration } from './field.js';
import { halvesOf, readWide } from './wide.js';

/** A record as an object, for APIs and tests: addresses and enumerations as strings, times as ISO 8601. */
export type RowOf<Fields extends FieldDeclaration> = {
  readonly [Field in Fields as Field['name']]: FieldValue<Field>;
};

type FieldValue<Field> = Field extends { values: readonly (infer Value)[] }
  ? Value
  : Field extends { type: 'ip' | 'string' | 'time' }
    ? string
    : Field extends { type: 'boolean' }
      ? boolean
      : number;

/** One row of the columns of the given fields as an object. Not for hot paths. */
export function recordRow<Field extends FieldDeclaration>(
  fields: readonly Field[],
  columns: ColumnsOf<Field>,
  row: number,
): RowOf<Field> {
  const entries = fields.map((field) => [field.name, fieldValue(field, columnOf(columns, field), row)]);
  return Object.fromEntries(entries) as RowOf<Field>;
}

function fieldValue(
  field: FieldDeclaration,
  column: Column,
  row: number,
): string | number | boolean | undefined {
  switch (field.type) {
    case 'time':
      return new Date(readWide(halvesOf(column as ColumnByType['time']), row)).toISOString();
    case 'uint64':
      return readWide(halvesOf(column as ColumnByType['uint64']), row);
    case 'ip':
      return formatAddress(column as ColumnByType['ip'], row * 16);
    case 'string': {
      const { indexes, dictionary } = column as StringColumn;
      return dictionary[indexes[row] ?? -1];
    }
    case 'enumeration':
      return field.values?.[(column as ColumnByType['enumeration'])[row] ?? -1];
    case 'boolean':
      return (column as ColumnByType['boolean'])[row] !== 0;
    default:
      return (column as ColumnByType['uint16'])[row];
  }
}
