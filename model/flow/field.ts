import type { FieldDeclaration } from '../record/field.js';

/** A field of the flow record. */
export interface FlowFieldDeclaration extends FieldDeclaration {
  /** How two records of one connection merge into one; see {@link Aggregation}. */
  readonly aggregation: Aggregation;
}

/**
 * How records merge: `key` fields must be equal; `sum`, `min`, `max` and `or` (bitwise) combine both values; `mean` is
 * weighted by connections; `last` takes the value of the later record.
 */
export type Aggregation = 'key' | 'sum' | 'min' | 'max' | 'or' | 'mean' | 'last';
