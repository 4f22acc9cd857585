import type { FieldDeclaration, FieldType } from '@sonde/model/record/field';

/** A record as JSON; {@link recordSchema} describes it. */
export type RecordJson = Record<string, string | number | boolean>;

/** Converts rows of the store, with 64-bit integers as digits and times as ClickHouse writes them, to the API's form. */
export function recordJson(fields: readonly FieldDeclaration[]): (row: RecordJson) => RecordJson {
  const conversions = fields.map(({ name, type }) => ({ name, convert: CONVERSIONS[type] }));
  return (row) => {
    const record: RecordJson = {};
    for (const { name, convert } of conversions) {
      const value = row[name] ?? '';
      record[name] = convert ? convert(value as string) : value;
    }
    return record;
  };
}

/** A value of the store in the API's form. */
export function valueJson({ type }: FieldDeclaration, value: string | number | boolean) {
  const convert = CONVERSIONS[type];
  return convert ? convert(String(value)) : value;
}

const CONVERSIONS: Readonly<Partial<Record<FieldType, (text: string) => string | number>>> = {
  time: rfc3339,
  ip: unmapped,
  uint64: safeNumber,
};

/** Converts a time of ClickHouse (`2026-03-01 12:00:00.000`) to RFC 3339. */
function rfc3339(text: string): string {
  return `${text.slice(0, 10)}T${text.slice(11)}Z`;
}

/** Converts IPv4-mapped addresses (`::ffff:192.0.2.1`), as ClickHouse writes them, to IPv4. */
function unmapped(text: string): string {
  return text.startsWith('::ffff:') && text.includes('.') ? text.slice('::ffff:'.length) : text;
}

/** A number if JSON readers can represent it exactly, else its digits. */
export function safeNumber(digits: string): number | string {
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : digits;
}

/** The JSON schema of a record, which has the requested fields only. */
export function recordSchema(fields: readonly FieldDeclaration[], description: string) {
  return {
    type: 'object',
    description,
    additionalProperties: false,
    properties: Object.fromEntries(
      fields.map((field) => [field.name, { ...valueSchema(field), description: describe(field) }]),
    ),
  } as const;
}

function valueSchema(field: FieldDeclaration): object {
  switch (field.type) {
    case 'time':
      return { type: 'string', format: 'date-time' };
    case 'ip':
    case 'string':
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
  const digits = field.type === 'uint64' ? '; from 2^53 on as a string of digits' : '';
  return `${field.description}${unit}${digits}`;
}
