import { RE2JS } from 're2js';
import type { StringColumn } from '../record/columns.js';
import type { StringOperand, StringTest } from './filter.js';

/** A string of each row: row `i` has `values.at(indexes[i])`. */
export interface RowStrings {
  readonly indexes: Uint32Array;
  readonly values: { readonly length: number; at(index: number): string };
}

/** The values of an operand in the rows of its field's column. */
export function rowStrings({ indexes, dictionary }: StringColumn, operand: StringOperand): RowStrings {
  const { length } = dictionary;
  if (operand.kind === 'field') {
    return { indexes, values: { length, at: (index) => dictionary[index] ?? '' } };
  }
  const { key } = operand;
  const known: string[] = [];
  const at = (index: number) => (known[index] ??= labelValue(dictionary[index] ?? '', key));
  return { indexes, values: { length, at } };
}

/** The value of the first label with this key; empty if there is none. */
function labelValue(labels: string, key: string): string {
  const start = `,${labels}`.indexOf(`,${key}=`);
  if (start < 0) return '';
  const value = start + key.length + 1;
  const comma = labels.indexOf(',', value);
  return labels.slice(value, comma < 0 ? undefined : comma);
}

/** A test as a function of a string. */
export function stringTest(test: StringTest): (value: string) => boolean {
  switch (test.kind) {
    case 'oneOf': {
      const passing = new Set(test.values);
      return (value) => passing.has(value);
    }
    case 'startsWith':
      return (value) => value.startsWith(test.part);
    case 'endsWith':
      return (value) => value.endsWith(test.part);
    case 'contains':
      return (value) => value.includes(test.part);
    case 'matches': {
      const pattern = RE2JS.compile(test.pattern, RE2JS.DOTALL);
      return (value) => pattern.test(value);
    }
    case 'hasItem':
      return (value) => `,${value},`.includes(`,${test.item},`);
    case 'hasLabel':
      return (value) => `,${value}`.includes(`,${test.key}=`);
  }
}
