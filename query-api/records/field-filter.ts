import { formatAddress, isMappedIpv4, parseAddress } from '@sonde/model/cluster/address';
import type { FieldDeclaration } from '@sonde/model/flow/field';
import { nearestNames } from '@sonde/model/filter/nearest-names';
import type { ParameterError } from '../problem.js';
import { parseTime } from '../time-range.js';

/** A condition on one field: it has any of the values. */
export interface FieldFilter {
  readonly field: FieldDeclaration;
  readonly values: readonly FilterValue[];
}

/** A value as ClickHouse takes it for a parameter of the field's type. */
export type FilterValue = string | number | bigint | boolean;

/** The JSON schema of the query parameters that filter, one for each field. */
export function fieldFilterSchema(fields: readonly FieldDeclaration[]) {
  return Object.fromEntries(
    fields.map((field) => [
      field.name,
      {
        type: 'array',
        items: { type: 'string' },
        description: `${field.description}. Exactly this value, or any of several with commas between; \\, is a comma`,
      },
    ]),
  );
}

/**
 * The conditions that query parameters set: `name=value`, several values for "any of" with commas between or by
 * repeating the parameter. In a value `\,` stands for a comma and `\\` for a backslash.
 * @returns the conditions, and what was wrong with any of them.
 */
export function parseFieldFilters(
  fields: readonly FieldDeclaration[],
  parameters: Readonly<Record<string, unknown>>,
): { filters: FieldFilter[]; errors: ParameterError[] } {
  const filters: FieldFilter[] = [];
  const errors: ParameterError[] = [];
  for (const field of fields) {
    const texts = parameters[field.name] as readonly string[] | undefined;
    if (texts === undefined) continue;
    const values: FilterValue[] = [];
    for (const text of texts.flatMap(splitAtCommas)) {
      const value = parseValue(field, text);
      if (typeof value === 'object') errors.push({ parameter: field.name, ...value });
      else values.push(value);
    }
    filters.push({ field, values });
  }
  return { filters, errors };
}

function splitAtCommas(text: string): string[] {
  const pieces = [''];
  for (const [token] of text.matchAll(/\\[\\,]|[^]/g)) {
    if (token === ',') pieces.push('');
    else pieces.push((pieces.pop() ?? '') + (token.length === 2 ? token.slice(1) : token));
  }
  return pieces;
}

type Rejection = Omit<ParameterError, 'parameter'>;

function parseValue(field: FieldDeclaration, text: string): FilterValue | Rejection {
  switch (field.type) {
    case 'text':
      return text;
    case 'ip':
      return parseIp(text);
    case 'time': {
      const time = parseTime(text, Date.now());
      return time === undefined ? { reason: `"${text}" is not an RFC 3339 time` } : clickhouseTime(time);
    }
    case 'boolean':
      return text === 'true' || text === 'false'
        ? text === 'true'
        : { reason: `"${text}" is not true or false` };
    case 'enumeration': {
      const values = field.values ?? [];
      if (values.includes(text)) return text;
      return {
        reason: `"${text}" is not one of ${values.join(', ')}`,
        nearest: nearestNames(text, values),
      };
    }
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'uint64':
      return parseInteger(text, Number(field.type.slice('uint'.length)));
  }
}

function parseIp(text: string): string | Rejection {
  try {
    const bytes = parseAddress(text);
    return (isMappedIpv4(bytes) ? '::ffff:' : '') + formatAddress(bytes);
  } catch (error) {
    return { reason: (error as Error).message };
  }
}

function parseInteger(text: string, bits: number): number | bigint | Rejection {
  const value = /^\d{1,20}$/.test(text) ? BigInt(text) : undefined;
  if (value === undefined || value >= 1n << BigInt(bits)) {
    return { reason: `"${text}" is not a whole number from 0 to ${(1n << BigInt(bits)) - 1n}` };
  }
  return bits === 64 ? value : Number(value);
}

/** A time as ClickHouse reads it for DateTime64(3, 'UTC'). */
export function clickhouseTime(time: number): string {
  return new Date(time).toISOString().replace('T', ' ').replace('Z', '');
}
