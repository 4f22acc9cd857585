import type { FieldType } from '../../record/field.js';

/** The field numbers of `flow.proto`, and what its comments promise. */
export const batchField = {
  schemaVersion: 1,
  cluster: 2,
  node: 3,
  sequence: 4,
  losses: 5,
  flows: 6,
  dns: 7,
} as const;

export const recordsField = { rows: 1, columns: 2 } as const;

export const columnField = {
  name: 1,
  kind: 2,
  base: 3,
  width: 4,
  numbers: 5,
  strings: 6,
  addresses: 7,
} as const;

export const columnKind = { number: 0, string: 1, address: 2 } as const;

/** The column kind of a field type. */
export function kindOf(type: FieldType): number {
  if (type === 'string') return columnKind.string;
  return type === 'ip' ? columnKind.address : columnKind.number;
}

/** Maximum number of rows of each kind in a message: bounds what a reader allocates for a small message. */
export const MAX_BATCH_ROWS = 131_072;

export const ADDRESS_BYTES = 16;

/** How many bytes each number of a column takes. */
export type Width = 0 | 1 | 2 | 4 | 8;

/** A field's tag (https://protobuf.dev/programming-guides/encoding/#structure): its number and wire type. */
export function varintTag(field: number): number {
  return field << 3;
}

export function bytesTag(field: number): number {
  return (field << 3) | 2;
}
