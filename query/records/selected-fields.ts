import { nearestNames } from '@sonde/model/filter/nearest-names';
import type { FieldDeclaration } from '@sonde/model/record/field';
import { invalidQuery } from '../errors.js';

/** The parameter that selects fields. */
export const fieldsSchema = {
  type: 'string',
  maxLength: 8192,
  default: '',
  description: 'The fields to give, with commas between, as src_ip or src.ip; all of them if empty',
  examples: ['start_time,src.workload,dst.workload,action'],
} as const;

/**
 * The fields that a parameter selects; all of them if it is empty.
 * @throws QueryError SONDE_INVALID_PARAMETER if one is not declared.
 */
export function readFields(text: string, fields: readonly FieldDeclaration[]): readonly FieldDeclaration[] {
  if (text.trim() === '') return fields;
  return [...new Set(text.split(',').map((name) => readField(name.trim(), fields, 'fields')))];
}

/**
 * A declared field by its name, in which the end may stand with a dot: `src_ip` or `src.ip`.
 * @throws QueryError SONDE_INVALID_PARAMETER if there is none.
 */
function readField(name: string, fields: readonly FieldDeclaration[], parameter: string): FieldDeclaration {
  const plain = name.replace(/^(src|dst)\./, '$1_');
  const field = fields.find((one) => one.name === plain);
  if (field) return field;
  const nearest = nearestNames(
    plain,
    fields.map((one) => one.name),
  );
  throw invalidQuery([{ parameter, reason: `there is no field "${name}"`, nearest }]);
}
