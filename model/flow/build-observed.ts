import { parseAddress } from '../cluster/address.js';
import type { ColumnByType, TextColumn } from './columns.js';
import type { FieldType } from './field.js';
import { type FlowField, type FlowFieldOf, flowFields } from './fields.js';
import { allocateObservedColumns, type ObservedFlows } from './observed.js';
import { halvesOf, writeWide } from './wide.js';

/** A flow written by hand, for tests: any observed field, numbers as numbers, addresses and values as text. */
export type ObservedRow = {
  readonly [Name in FlowFieldOf<'observed'>]?: RowValue<Extract<FlowField, { name: Name }>>;
};

/** A field's value as people write it: addresses, texts and enumerations' values as text, all else as it is. */
export type RowValue<Field> = Field extends { values: readonly (infer Value)[] }
  ? Value
  : Field extends { type: 'ip' | 'text' }
    ? string
    : Field extends { type: 'boolean' }
      ? boolean
      : number;

/** The columns of a few flows written by hand. What a row leaves out is zero or empty, and `sampling` is 1. */
export function observedFlows(rows: readonly ObservedRow[]): ObservedFlows {
  const columns = allocateObservedColumns(rows.length);
  for (const field of flowFields) {
    if (field.origin !== 'observed') continue;
    const values = 'values' in field ? field.values : [];
    for (const [index, row] of rows.entries()) {
      const value = row[field.name] ?? (field.name === 'sampling' ? 1 : undefined);
      if (value !== undefined) writeValue(field.type, columns[field.name], index, value, values);
    }
  }
  return { rows: rows.length, columns };
}

/** Writes a value as people write it into a row of a field's column. */
export function writeValue(
  type: FieldType,
  column: ColumnByType[FieldType],
  row: number,
  value: string | number | boolean,
  values: readonly string[],
): void {
  switch (type) {
    case 'ip':
      (column as Uint8Array).set(parseAddress(String(value)), row * 16);
      break;
    case 'time':
    case 'uint64':
      writeWide(halvesOf(column as BigUint64Array), row, Number(value));
      break;
    case 'text': {
      const { indexes, dictionary } = column as TextColumn;
      indexes[row] = (dictionary as string[]).push(String(value)) - 1;
      break;
    }
    case 'enumeration':
      (column as Uint8Array)[row] = values.indexOf(String(value));
      break;
    default:
      (column as Uint8Array)[row] = Number(value);
  }
}
