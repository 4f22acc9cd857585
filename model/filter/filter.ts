import type { FieldDeclaration } from '../record/field.js';

/**
 * A condition on a record, checked against the declared fields: what `parse.ts` makes of a filter's text, and what
 * `sql.ts` and `predicate.ts` translate, each exactly. A record has no nulls, so every condition holds or does not.
 */
export type Filter =
  | { readonly kind: 'constant'; readonly value: boolean }
  | { readonly kind: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  | { readonly kind: 'if'; readonly when: Filter; readonly then: Filter; readonly otherwise: Filter }
  /** Both hold, or neither does. */
  | { readonly kind: 'same'; readonly left: Filter; readonly right: Filter }
  /** A boolean field is true. */
  | { readonly kind: 'boolean'; readonly field: FieldDeclaration }
  /** An enumeration has one of some values. */
  | { readonly kind: 'enumeration'; readonly field: FieldDeclaration; readonly values: readonly string[] }
  /** Two enumerations have values that are the same text. */
  | {
      readonly kind: 'sameEnumeration';
      readonly left: FieldDeclaration;
      readonly right: FieldDeclaration;
    }
  | { readonly kind: 'text'; readonly text: StringOperand; readonly test: StringTest }
  | { readonly kind: 'sameText'; readonly left: StringOperand; readonly right: StringOperand }
  /** An address lies in one of some ranges. */
  | { readonly kind: 'address'; readonly field: FieldDeclaration; readonly ranges: readonly AddressRange[] }
  | { readonly kind: 'sameAddress'; readonly left: FieldDeclaration; readonly right: FieldDeclaration }
  | {
      readonly kind: 'comparison';
      readonly operator: ComparisonOperator;
      readonly left: NumberOperand;
      readonly right: NumberOperand;
    }
  /** A number field has one of some values, all of which its type can hold. */
  | { readonly kind: 'numbers'; readonly field: FieldDeclaration; readonly values: readonly bigint[] }
  /** A number field of up to 32 bits has all bits of a mask set. */
  | { readonly kind: 'bits'; readonly field: FieldDeclaration; readonly mask: number };

export type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** A text of the record: a text field, or the value of one label in a field of labels, empty if it is not there. */
export type StringOperand =
  | { readonly kind: 'field'; readonly field: FieldDeclaration }
  | { readonly kind: 'label'; readonly field: FieldDeclaration; readonly key: string };

/**
 * What a text is tested for. `matches` finds an RE2 pattern anywhere in it, where `.` is any character; `hasItem`
 * takes it as a list with commas, `hasLabel` as labels `k=v` with commas.
 */
export type StringTest =
  | { readonly kind: 'oneOf'; readonly texts: readonly string[] }
  | { readonly kind: 'startsWith' | 'endsWith' | 'contains'; readonly text: string }
  | { readonly kind: 'matches'; readonly pattern: string }
  | { readonly kind: 'hasItem'; readonly item: string }
  | { readonly kind: 'hasLabel'; readonly key: string };

/** Addresses from `first` to `last`, both in it, as 16 bytes. */
export interface AddressRange {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
}

/**
 * A number of the record. Fields are compared with fields and literals exactly; where there is arithmetic on either
 * side, both are taken as IEEE 754 doubles.
 */
export type NumberOperand =
  | { readonly kind: 'field'; readonly field: FieldDeclaration }
  /** From -2^63 to 2^64 - 1; of a time, the milliseconds since 1970. */
  | { readonly kind: 'literal'; readonly value: bigint; readonly isTime: boolean }
  | {
      readonly kind: 'arithmetic';
      readonly operator: '+' | '-' | '*';
      readonly left: NumberOperand;
      readonly right: NumberOperand;
    };

/** What holds where another filter does not. */
export function not(filter: Filter): Filter {
  if (filter.kind === 'not') return filter.filter;
  if (filter.kind === 'constant') return { kind: 'constant', value: !filter.value };
  return { kind: 'not', filter };
}

/** What holds where all filters do. */
export function allOf(filters: readonly Filter[]): Filter {
  return { kind: 'and', filters };
}

/** What holds where any of the filters does. */
export function anyOf(filters: readonly Filter[]): Filter {
  return { kind: 'or', filters };
}
