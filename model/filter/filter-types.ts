import type { FieldType } from '../record/field.js';

/** The types of values in the filter language (docs/filter.md). */
export type FilterType = 'time' | 'address' | 'string' | 'boolean' | 'number';

/** The type that filters, groups and the API give the values of a field. */
export const filterTypes: Readonly<Record<FieldType, FilterType>> = {
  time: 'time',
  ip: 'address',
  string: 'string',
  enumeration: 'string',
  boolean: 'boolean',
  uint8: 'number',
  uint16: 'number',
  uint32: 'number',
  uint64: 'number',
};
