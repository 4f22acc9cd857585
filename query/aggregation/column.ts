import type { FieldDeclaration } from '@sonde/model/record/field';

/** A column of an answer. */
export interface Column {
  readonly name: string;
  /** What its values are; `time` as RFC 3339, in steps of time and in metrics of times. */
  readonly type: 'time' | 'text' | 'boolean' | 'number';
  readonly role: 'time' | 'group' | 'metric';
  readonly unit?: Unit;
}

/** What numbers count; `/s` is a second. */
export type Unit =
  NonNullable<FieldDeclaration['unit']> | `${NonNullable<FieldDeclaration['unit']>}/s` | '1/s';

/** Null where nothing was measured. Whole numbers from 2^53 on are their digits. */
export type Value = string | number | boolean | null;
