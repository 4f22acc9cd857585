import { nearestNames } from '@sonde/model/filter/nearest-names';
import type { FieldDeclaration } from '@sonde/model/record/field';
import { invalidQuery } from '../errors.js';

/** The JSON schema of the parameter that selects fields. */
export const fieldsSchema = {
  type: 'string',
  maxLength: 8192,
  default: '',
  description:
    'Comma-separated list of the fields to return, for example `src_ip,dst.workload`; empty returns all',
  examples: ['start_time,src.workload,dst_ip'],
} as const;

/**
 * Parses a list of fields; all fields if it is empty.
 * @throws QueryError SONDE_INVALID_PARAMETER for an unknown field.
 */
export function parseFields(text: string, fields: readonly FieldDeclaration[]): readonly FieldDeclaration[] {
  if (text.trim() === '') return fields;
  return [...new Set(text.split(',').map((name) => findField(name.trim(), fields)))];
}

/** A field by its name, `src_ip` or `src.ip`. */
function findField(name: string, fields: readonly FieldDeclaration[]): FieldDeclaration {
  const plain = name.replace(/^(src|dst)\./, '$1_');
  const field = fields.find((one) => one.name === plain);
  if (field) return field;
  const nearest = nearestNames(
    plain,
    fields.map((one) => one.name),
  );
  throw invalidQuery([{ parameter: 'fields', reason: `there is no field "${name}"`, nearest }]);
}
