import type { FieldDeclaration } from '@sonde/model/flow/field';
import { type FlowFieldName, flowFields } from '@sonde/model/flow/fields';

/** A flow as JSON; `flowSchema` says how the API gives each field. */
export type FlowJson = Record<FlowFieldName, string | number | boolean>;

/**
 * Turns a row of the store, with 64-bit integers as decimal text and times as ClickHouse writes them, into what the
 * API gives. Works in place: there may be many.
 */
export function flowJson(row: FlowJson): FlowJson {
  for (const [name, convert] of conversions) row[name] = convert(row[name] as string);
  return row;
}

const conversions = flowFields.flatMap(
  ({ name, type }): [FlowFieldName, (text: string) => string | number][] => {
    switch (type) {
      case 'time':
        return [[name, rfc3339]];
      case 'ip':
        return [[name, unmapped]];
      case 'uint64':
        return [[name, safeNumber]];
      default:
        return [];
    }
  },
);

/** `2026-03-01 12:00:00.000`, which ClickHouse writes, as RFC 3339. */
function rfc3339(text: string): string {
  return `${text.slice(0, 10)}T${text.slice(11)}Z`;
}

/** IPv4 in its own form; ClickHouse writes a mapped address as `::ffff:` and the dotted one. */
function unmapped(text: string): string {
  return text.startsWith('::ffff:') && text.includes('.') ? text.slice('::ffff:'.length) : text;
}

/** A number where JSON's readers hold it exactly, else its digits. */
function safeNumber(digits: string): number | string {
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : digits;
}

/** The JSON schema of a flow. */
export const flowSchema = {
  type: 'object',
  description: 'One connection on one node over one aggregation window',
  required: flowFields.map((field) => field.name),
  additionalProperties: false,
  properties: Object.fromEntries(
    flowFields.map((field) => [field.name, { ...valueSchema(field), description: describe(field) }]),
  ),
} as const;

function valueSchema(field: FieldDeclaration): object {
  switch (field.type) {
    case 'time':
      return { type: 'string', format: 'date-time' };
    case 'ip':
    case 'text':
      return { type: 'string' };
    case 'enumeration':
      return { type: 'string', enum: field.values };
    case 'boolean':
      return { type: 'boolean' };
    case 'uint64':
      return { type: ['integer', 'string'], minimum: 0 };
    case 'uint8':
    case 'uint16':
    case 'uint32':
      return { type: 'integer', minimum: 0 };
  }
}

function describe(field: FieldDeclaration): string {
  const unit = field.unit !== undefined && field.type !== 'time' ? ` (${field.unit})` : '';
  const digits = field.type === 'uint64' ? '; from 2^53 on the decimal digits as a string' : '';
  return `${field.description}${unit}${digits}`;
}
