import type { ColumnByType, Column } from '../record/columns.js';
import type { FieldDeclaration } from '../record/field.js';
import { halvesOf, readWide } from '../record/wide.js';
import type { AddressRange, ComparisonOperator, Filter, NumberOperand } from './filter.js';
import { stringTest, rowStrings } from './strings.js';

/** Columns of records by field name; all fields of the filter must be present. */
export type FilterColumns = Readonly<Record<string, Column>>;

/** Whether the record in a row matches. */
export type RowTest = (row: number) => boolean;

/**
 * Translates a filter to a test of rows. Patterns are compiled once per filter, strings are tested once per dictionary
 * entry, and a row then costs a few lookups.
 */
export function filterPredicate(filter: Filter): (columns: FilterColumns) => RowTest {
  switch (filter.kind) {
    case 'constant':
      return () => () => filter.value;
    case 'and':
      return joined(filter.filters, (tests) => (row) => tests.every((test) => test(row)));
    case 'or':
      return joined(filter.filters, (tests) => (row) => tests.some((test) => test(row)));
    case 'not':
      return joined(
        [filter.filter],
        ([test]) =>
          (row) =>
            test?.(row) === false,
      );
    case 'if':
      return joined(
        [filter.when, filter.then, filter.otherwise],
        ([when, then, otherwise]) =>
          (row) =>
            (when?.(row) === true ? then : otherwise)?.(row) === true,
      );
    case 'same':
      return joined(
        [filter.left, filter.right],
        ([left, right]) =>
          (row) =>
            left?.(row) === right?.(row),
      );
    case 'boolean':
      return (columns) => {
        const values = columnOf('boolean', columns, filter.field);
        return (row) => values[row] !== 0;
      };
    case 'enumeration':
      return enumerationPredicate(filter.field, filter.values);
    case 'sameEnumeration': {
      const { left, right } = filter;
      return (columns) => {
        const [a, b] = [columnOf('enumeration', columns, left), columnOf('enumeration', columns, right)];
        return (row) => left.values?.[a[row] ?? 0] === right.values?.[b[row] ?? 0];
      };
    }
    case 'string': {
      const test = stringTest(filter.test);
      return (columns) => {
        const { indexes, values } = rowStrings(
          columnOf('string', columns, filter.operand.field),
          filter.operand,
        );
        /** By dictionary index: 0 not tested yet, 1 no match, 2 match. Dictionaries may be far larger than what rows use. */
        const known = new Uint8Array(values.length);
        return (row) => {
          const index = indexes[row] ?? 0;
          if (known[index] === 0) known[index] = test(values.at(index)) ? 2 : 1;
          return known[index] === 2;
        };
      };
    }
    case 'sameString':
      return (columns) => {
        const left = rowStrings(columnOf('string', columns, filter.left.field), filter.left);
        const right = rowStrings(columnOf('string', columns, filter.right.field), filter.right);
        return (row) => left.values.at(left.indexes[row] ?? 0) === right.values.at(right.indexes[row] ?? 0);
      };
    case 'address':
      return addressPredicate(filter.field, filter.ranges);
    case 'sameAddress':
      return (columns) => {
        const left = columnOf('ip', columns, filter.left);
        const right = columnOf('ip', columns, filter.right);
        return (row) => compareBytes(left, row * 16, right, row * 16) === 0;
      };
    case 'comparison':
      return comparisonPredicate(filter);
    case 'numbers':
      return numbersPredicate(filter.field, filter.values);
  }
}

function joined(
  filters: readonly Filter[],
  join: (tests: readonly RowTest[]) => RowTest,
): (columns: FilterColumns) => RowTest {
  const predicates = filters.map(filterPredicate);
  return (columns) => join(predicates.map((predicate) => predicate(columns)));
}

function enumerationPredicate(field: FieldDeclaration, values: readonly string[]) {
  const passes = (field.values ?? []).map((value) => values.includes(value));
  return (columns: FilterColumns): RowTest => {
    const numbers = columnOf('enumeration', columns, field);
    return (row) => passes[numbers[row] ?? -1] === true;
  };
}

function addressPredicate(field: FieldDeclaration, ranges: readonly AddressRange[]) {
  return (columns: FilterColumns): RowTest => {
    const addresses = columnOf('ip', columns, field);
    return (row) =>
      ranges.some(
        ({ first, last }) =>
          compareBytes(addresses, row * 16, first, 0) >= 0 && compareBytes(addresses, row * 16, last, 0) <= 0,
      );
  };
}

/** Compares the 16 bytes of two addresses: negative, 0 or positive. */
function compareBytes(a: Uint8Array, atA: number, b: Uint8Array, atB: number): number {
  for (let i = 0; i < 16; i++) {
    const difference = (a[atA + i] ?? 0) - (b[atB + i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

const COMPARISONS: Readonly<
  Record<ComparisonOperator, <Value extends number | bigint>(a: Value, b: Value) => boolean>
> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

function comparisonPredicate({ operator, left, right }: Extract<Filter, { kind: 'comparison' }>) {
  const compare = COMPARISONS[operator];
  if (needsBigInt(left, right)) {
    return (columns: FilterColumns): RowTest => {
      const [a, b] = [bigIntOf(left, columns), bigIntOf(right, columns)];
      return (row) => compare(a(row), b(row));
    };
  }
  return (columns: FilterColumns): RowTest => {
    const [a, b] = [numberOf(left, columns), numberOf(right, columns)];
    return (row) => compare(a(row), b(row));
  };
}

/**
 * Whether two different numbers could be equal as doubles. They cannot if one is a literal that is exact as a double, like
 * its neighbors, however large the other is.
 */
function needsBigInt(left: NumberOperand, right: NumberOperand): boolean {
  if (left.kind === 'arithmetic' || right.kind === 'arithmetic') return false;
  const isSafe = (number: NumberOperand) =>
    number.kind === 'literal'
      ? Number.isSafeInteger(Number(number.value))
      : number.kind === 'field' && number.field.type !== 'uint64';
  return !isSafe(left) && !isSafe(right);
}

function numberOf(number: NumberOperand, columns: FilterColumns): (row: number) => number {
  switch (number.kind) {
    case 'literal': {
      const value = Number(number.value);
      return () => value;
    }
    case 'field': {
      if (isWide(number.field)) {
        const halves = halvesOf(columnOf('uint64', columns, number.field));
        return (row) => readWide(halves, row);
      }
      const values = columnOf('uint32', columns, number.field);
      return (row) => values[row] ?? 0;
    }
    case 'arithmetic': {
      const [a, b] = [numberOf(number.left, columns), numberOf(number.right, columns)];
      switch (number.operator) {
        case '+':
          return (row) => a(row) + b(row);
        case '-':
          return (row) => a(row) - b(row);
        case '*':
          return (row) => a(row) * b(row);
      }
    }
  }
}

/** For numbers from 2^53 on: large literals, or two 64-bit fields. */
function bigIntOf(number: NumberOperand, columns: FilterColumns): (row: number) => bigint {
  if (number.kind === 'literal') return () => number.value;
  if (number.kind === 'field' && isWide(number.field)) {
    const values = columnOf('uint64', columns, number.field);
    return (row) => values[row] ?? 0n;
  }
  const narrow = numberOf(number, columns);
  return (row) => BigInt(narrow(row));
}

function numbersPredicate(field: FieldDeclaration, values: readonly bigint[]) {
  if (isWide(field)) {
    const passing = new Set(values);
    return (columns: FilterColumns): RowTest => {
      const numbers = columnOf('uint64', columns, field);
      return (row) => passing.has(numbers[row] ?? 0n);
    };
  }
  const passing = new Set(values.map(Number));
  return (columns: FilterColumns): RowTest => {
    const numbers = columnOf('uint32', columns, field);
    return (row) => passing.has(numbers[row] ?? 0);
  };
}

function isWide({ type }: FieldDeclaration): boolean {
  return type === 'uint64' || type === 'time';
}

/** The column of a field of a type. */
function columnOf<Type extends keyof ColumnByType>(
  type: Type,
  columns: FilterColumns,
  { name }: FieldDeclaration,
): ColumnByType[Type] {
  const column = columns[name];
  if (column === undefined || 'dictionary' in column !== (type === 'string')) {
    throw new RangeError(`there is no column ${name} of type ${type}`);
  }
  // A filter was checked against the declarations that the columns are of.
  return column as ColumnByType[Type];
}
