import type { FieldDeclaration, FieldType } from './field.js';

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
  string: StringColumn;
}

/** A dictionary column: row `i` holds `dictionary[indexes[i]]`. */
export interface StringColumn {
  readonly indexes: Uint32Array;
  readonly dictionary: readonly string[];
  /**
   * Set where the dictionary may hold a string twice: the id of each entry, below the dictionary's length and equal for
   * equal strings, so that readers compare ids instead of strings.
   */
  readonly stringIds?: readonly number[];
}

/** The column of a field of any type. */
export type Column = ColumnByType[FieldType];

/** A set of columns by field name; every column holds the same number of rows (an `ip` column 16 bytes a row). */
export type ColumnsOf<Fields extends FieldDeclaration> = {
  readonly [Field in Fields as Field['name']]: ColumnByType[Field['type']];
};

/** Records of one kind, as columns of its declared fields. */
export interface Records<Fields extends FieldDeclaration = FieldDeclaration> {
  readonly rows: number;
  readonly columns: ColumnsOf<Fields>;
}

/** Columns of `rows` rows for the given fields, all zero or empty. */
export function allocateColumns<Field extends FieldDeclaration>(
  fields: readonly Field[],
  rows: number,
): ColumnsOf<Field> {
  const columns = fields.map(({ name, type }) => [name, allocateColumn(type, rows)]);
  // Entries and type are derived from the same declarations.
  return Object.fromEntries(columns) as ColumnsOf<Field>;
}

/** The column of a field, for code that iterates over declarations. */
export function columnOf<Field extends FieldDeclaration>(
  columns: ColumnsOf<Field>,
  { name }: FieldDeclaration & Pick<Field, 'name'>,
): Column {
  // Every field has a column; the compiler cannot resolve a name that is a type parameter.
  return (columns as unknown as Readonly<Record<Field['name'], Column>>)[name];
}

/** A new column of `rows` rows, all zero or empty. */
export function allocateColumn<Type extends FieldType>(type: Type, rows: number): ColumnByType[Type];
export function allocateColumn(type: FieldType, rows: number): Column {
  return columnIn(type, rows, new ArrayBuffer(rows * bytesPerRow[type]));
}

/** Bytes per row of a column; for strings, of the index. */
export const bytesPerRow: Readonly<Record<FieldType, number>> = {
  ...{ time: 8, ip: 16, uint8: 1, uint16: 2, uint32: 4, uint64: 8, boolean: 1, enumeration: 1, string: 4 },
};

/** A column of `rows` rows at the start of `memory`; for strings its indexes, with a dictionary of the empty string. */
export function columnIn<Type extends FieldType>(
  type: Type,
  rows: number,
  memory: ArrayBuffer,
): ColumnByType[Type];
export function columnIn(type: FieldType, rows: number, memory: ArrayBuffer): Column {
  switch (type) {
    case 'time':
    case 'uint64':
      return new BigUint64Array(memory, 0, rows);
    case 'ip':
      return new Uint8Array(memory, 0, rows * 16);
    case 'uint8':
    case 'boolean':
    case 'enumeration':
      return new Uint8Array(memory, 0, rows);
    case 'uint16':
      return new Uint16Array(memory, 0, rows);
    case 'uint32':
      return new Uint32Array(memory, 0, rows);
    case 'string':
      return { indexes: new Uint32Array(memory, 0, rows), dictionary: [''] };
  }
}
