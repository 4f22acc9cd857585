import { parseAddress } from '@sonde/model/net/address';
import { allocateColumns, type ColumnByType, type Records } from '@sonde/model/record/columns';
import type { FieldDeclaration } from '@sonde/model/record/field';
import { StringColumnBuilder } from '@sonde/model/record/string-column';
import { halvesOf, writeWide } from '@sonde/model/record/wide';

/** A record with any of the fields: numbers as numbers, addresses and enum values as strings. */
export type WrittenRow<Fields extends FieldDeclaration> = {
  readonly [Field in Fields as Field['name']]?: WrittenValue<Field>;
};

/** The value of a field in a record: addresses and enum values are strings. */
type WrittenValue<Field> = Field extends { values: readonly (infer Value)[] }
  ? Value
  : Field extends { type: 'ip' | 'string' }
    ? string
    : Field extends { type: 'boolean' }
      ? boolean
      : number;

/** Builds columns of records. Omitted fields are zero or empty. */
export function buildRecords<Field extends FieldDeclaration>(
  fields: readonly Field[],
  rows: readonly WrittenRow<Field>[],
): Records<Field> {
  const columns: Record<string, unknown> = { ...allocateColumns(fields, rows.length) };
  for (const field of fields) {
    const values = rows.map((row) => (row as Readonly<Record<string, Written>>)[field.name]);
    if (field.type === 'string') columns[field.name] = textColumn(values);
    else for (const [row, value] of values.entries()) writeValue(field, columns[field.name], row, value);
  }
  return { rows: rows.length, columns: columns as Records<Field>['columns'] };
}

type Written = string | number | boolean | undefined;

function textColumn(values: readonly Written[]) {
  const builder = new StringColumnBuilder(values.length);
  for (const [row, value] of values.entries()) builder.indexes[row] = builder.intern(String(value ?? ''));
  return builder.build();
}

function writeValue(field: FieldDeclaration, column: unknown, row: number, value: Written): void {
  if (value === undefined) return;
  switch (field.type) {
    case 'ip':
      (column as ColumnByType['ip']).set(parseAddress(String(value)), row * 16);
      break;
    case 'time':
    case 'uint64':
      writeWide(halvesOf(column as ColumnByType['uint64']), row, Number(value));
      break;
    case 'enumeration':
      (column as ColumnByType['enumeration'])[row] = field.values?.indexOf(String(value)) ?? 0;
      break;
    default:
      (column as ColumnByType['uint32'])[row] = Number(value);
  }
}
