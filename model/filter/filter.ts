import type { FieldDeclaration } from '../record/field.js';

/**
 * A condition on a record, checked against the declared fields: `parse.ts` reads it from text, `sql.ts` and `predicate.ts`
 * translate it. A record has no nulls, so every condition is true or false.
 */
export type Filter =
  | { readonly kind: 'constant'; readonly value: boolean }
  | { readonly kind: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  | { readonly kind: 'if'; readonly when: Filter; readonly then: Filter; readonly otherwise: Filter }
  /** Both are true, or both are false. */
  | { readonly kind: 'same'; readonly left: Filter; readonly right: Filter }
  /** A boolean field is true. */
  | { readonly kind: 'boolean'; readonly field: FieldDeclaration }
  /** An enumeration has one of some values. */
  | { readonly kind: 'enumeration'; readonly field: FieldDeclaration; readonly values: readonly string[] }
  /** Two enumerations have values of the same name. */
  | {
      readonly kind: 'sameEnumeration';
      readonly left: FieldDeclaration;
      readonly right: FieldDeclaration;
    }
  | { readonly kind: 'string'; readonly operand: StringOperand; readonly test: StringTest }
  | { readonly kind: 'sameString'; readonly left: StringOperand; readonly right: StringOperand }
  /** An address is in one of some ranges. */
  | { readonly kind: 'address'; readonly field: FieldDeclaration; readonly ranges: readonly AddressRange[] }
  | { readonly kind: 'sameAddress'; readonly left: FieldDeclaration; readonly right: FieldDeclaration }
  | {
      readonly kind: 'comparison';
      readonly operator: ComparisonOperator;
      readonly left: NumberOperand;
      readonly right: NumberOperand;
    }
  /** A number field has one of some values, all of which its type can hold. */
  | { readonly kind: 'numbers'; readonly field: FieldDeclaration; readonly values: readonly bigint[] };

export type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** A string of the record: a string field, or the value of a label in a field of labels, empty if it is missing. */
export type StringOperand =
  | { readonly kind: 'field'; readonly field: FieldDeclaration }
  | { readonly kind: 'label'; readonly field: FieldDeclaration; readonly key: string };

/**
 * A test of a string. `matches` finds an RE2 pattern anywhere in it, where `.` is any character; `hasItem` tests a
 * comma-separated list, `hasLabel` comma-separated labels `k=v`.
 */
export type StringTest =
  | { readonly kind: 'oneOf'; readonly values: readonly string[] }
  | { readonly kind: 'startsWith' | 'endsWith' | 'contains'; readonly part: string }
  | { readonly kind: 'matches'; readonly pattern: string }
  | { readonly kind: 'hasItem'; readonly item: string }
  | { readonly kind: 'hasLabel'; readonly key: string };

/** Addresses from `first` to `last`, inclusive, 16 bytes each. */
export interface AddressRange {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
}

/**
 * A number of the record. Fields are compared with fields and literals exactly; with arithmetic on either side, both
 * sides are IEEE 754 doubles.
 */
export type NumberOperand =
  | { readonly kind: 'field'; readonly field: FieldDeclaration }
  /** From -2^63 to 2^64 - 1; for a time, milliseconds since 1970. */
  | { readonly kind: 'literal'; readonly value: bigint; readonly isTime: boolean }
  | {
      readonly kind: 'arithmetic';
      readonly operator: '+' | '-' | '*';
      readonly left: NumberOperand;
      readonly right: NumberOperand;
    };

/** The negation of a filter. */
export function not(filter: Filter): Filter {
  if (filter.kind === 'not') return filter.filter;
  if (filter.kind === 'constant') return { kind: 'constant', value: !filter.value };
  return { kind: 'not', filter };
}

/** The conjunction of filters. */
export function allOf(filters: readonly Filter[]): Filter {
  return { kind: 'and', filters };
}

/** The disjunction of filters. */
export function anyOf(filters: readonly Filter[]): Filter {
  return { kind: 'or', filters };
}
