import type { FieldDeclaration } from '@sonde/model/record/field';

/** A column of the result. */
export interface Column {
  readonly name: string;
  /** Type of the values; `time` is RFC 3339. */
  readonly type: 'time' | 'string' | 'boolean' | 'number';
  readonly role: 'time' | 'group' | 'metric';
  readonly unit?: Unit;
}

/** The unit of a number; `/s` is per second. */
export type Unit =
  NonNullable<FieldDeclaration['unit']> | `${NonNullable<FieldDeclaration['unit']>}/s` | '1/s';

/** Null if nothing was measured. Integers from 2^53 on are strings of digits. */
export type Value = string | number | boolean | null;
