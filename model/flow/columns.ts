import type { FieldType } from './field.js';
import type { FlowField, FlowFieldOf } from './fields.js';

/**
 * The column that holds each field type. 64-bit columns are read and written through their 32-bit halves
 * (`wide.ts`), which keeps hot loops free of BigInt.
 */
export interface ColumnByType {
  time: BigUint64Array;
  ip: Uint8Array;
  uint8: Uint8Array;
  uint16: Uint16Array;
  uint32: Uint32Array;
  uint64: BigUint64Array;
  boolean: Uint8Array;
  enumeration: Uint8Array;
  text: TextColumn;
}

/** A dictionary column: row `i` holds `dictionary[indexes[i]]`. */
export interface TextColumn {
  readonly indexes: Uint32Array;
  readonly dictionary: readonly string[];
}

export type FlowColumn = ColumnByType[FieldType];

/** A set of columns by field name; every column holds the same number of rows (an `ip` column 16 bytes a row). */
export type ColumnsOf<Name extends FlowField['name']> = {
  readonly [Field in Extract<FlowField, { name: Name }> as Field['name']]: ColumnByType[Field['type']];
};

/** What a collector reports: the fields that the wire fills. */
export type ObservedColumns = ColumnsOf<FlowFieldOf<'observed'>>;

/** What the store receives: every field. */
export type FlowColumns = ColumnsOf<FlowField['name']>;

/** A new column of `rows` rows, all zero or empty. */
export function allocateColumn<Type extends FieldType>(type: Type, rows: number): ColumnByType[Type];
export function allocateColumn(type: FieldType, rows: number): FlowColumn {
  switch (type) {
    case 'time':
    case 'uint64':
      return new BigUint64Array(rows);
    case 'ip':
      return new Uint8Array(rows * 16);
    case 'uint8':
    case 'boolean':
    case 'enumeration':
      return new Uint8Array(rows);
    case 'uint16':
      return new Uint16Array(rows);
    case 'uint32':
      return new Uint32Array(rows);
    case 'text':
      return { indexes: new Uint32Array(rows), dictionary: [''] };
  }
}

/** The column of `rows` rows that hold one text; for what a whole batch has in common. */
export function constantText(text: string, rows: number): TextColumn {
  return { indexes: new Uint32Array(rows), dictionary: [text] };
}
