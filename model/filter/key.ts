import type { FieldDeclaration } from '../record/field.js';
import { parseCel } from './cel.js';
import type { StringOperand } from './filter.js';
import { typed } from './parse.js';
import { type Operand, wrongType } from './operand.js';
import { Variables } from './variables.js';

/** What records can be grouped by: a field of any type, or the value of a label. */
export type Key = StringOperand;

/**
 * Reads a group key in the syntax of the filter language: `src.namespace`, `dst_port`,
 * `src.labels["app"]`.
 * @throws FilterError as `parseFilter` does.
 */
export function parseKey(text: string, fields: readonly FieldDeclaration[]): Key {
  const read = typed(parseCel(text), new Variables(fields));
  const key = keyOf(read.operand);
  if (!key) throw wrongType(read, 'a field or a label');
  return key;
}

/** A key's name in answers: the field name, for labels followed by a dot and the label key. */
export function keyName(key: Key): string {
  return key.kind === 'field' ? key.field.name : `${key.field.name}.${key.key}`;
}

function keyOf(operand: Operand): Key | undefined {
  switch (operand.type) {
    case 'string':
      return operand.string;
    case 'enumeration':
    case 'address':
      return { kind: 'field', field: operand.field };
    case 'number':
    case 'time':
      return operand.number.kind === 'field' ? operand.number : undefined;
    case 'condition':
      return operand.filter.kind === 'boolean' ? { kind: 'field', field: operand.filter.field } : undefined;
    default:
      return undefined;
  }
}
