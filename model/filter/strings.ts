import { RE2JS } from 're2js';
import type { StringColumn } from '../record/columns.js';
import type { StringOperand, StringTest } from './filter.js';

/** A text of each row: row `i` has `texts.at(indexes[i])`. */
export interface RowStrings {
  readonly indexes: Uint32Array;
  readonly texts: { readonly length: number; at(index: number): string };
}

/** The texts that an operand has in the rows of its field's column. */
export function rowStrings({ indexes, dictionary }: StringColumn, operand: StringOperand): RowStrings {
  const { length } = dictionary;
  if (operand.kind === 'field') {
    return { indexes, texts: { length, at: (index) => dictionary[index] ?? '' } };
  }
  const { key } = operand;
  const values: string[] = [];
  const at = (index: number) => (values[index] ??= labelValue(dictionary[index] ?? '', key));
  return { indexes, texts: { length, at } };
}

/** The value of the first label with this key; empty if there is none. */
function labelValue(labels: string, key: string): string {
  const start = `,${labels}`.indexOf(`,${key}=`);
  if (start < 0) return '';
  const value = start + key.length + 1;
  const comma = labels.indexOf(',', value);
  return labels.slice(value, comma < 0 ? undefined : comma);
}

/** A test as a function of a text. */
export function stringTest(test: StringTest): (text: string) => boolean {
  switch (test.kind) {
    case 'oneOf': {
      const passing = new Set(test.texts);
      return (text) => passing.has(text);
    }
    case 'startsWith':
      return (text) => text.startsWith(test.text);
    case 'endsWith':
      return (text) => text.endsWith(test.text);
    case 'contains':
      return (text) => text.includes(test.text);
    case 'matches': {
      const pattern = RE2JS.compile(test.pattern, RE2JS.DOTALL);
      return (text) => pattern.test(text);
    }
    case 'hasItem':
      return (text) => `,${text},`.includes(`,${test.item},`);
    case 'hasLabel':
      return (text) => `,${text}`.includes(`,${test.key}=`);
  }
}
