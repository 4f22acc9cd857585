/**
 * How one field of a record is declared. Everything that depends on a record's shape (column arrays, Arrow schema,
 * table definition, filter variables, API field list, docs table) is derived from declarations of this type: those of
 * flows are in `../flow/fields.ts`, those of DNS lookups in `../dns/fields.ts`.
 */
export interface FieldDeclaration {
  /** The field's name everywhere: in columns, in the store, in the API. */
  readonly name: string;
  readonly type: FieldType;
  /** Source of the value: the wire (`observed`), the enricher (`context`), or the transport (`provenance`). */
  readonly origin: FieldOrigin;
  /** The unit of a number, where it has one. */
  readonly unit?: 'bytes' | 'packets' | 'microseconds' | 'seconds' | 'milliseconds since 1970 (UTC)';
  /** The values of an `enumeration`, in the order of their stored numbers from 0. */
  readonly values?: readonly string[];
  /** Structure of a comma-separated string: a list of items, or labels as `k=v`. */
  readonly form?: 'list' | 'labels';
  /** ClickHouse column codec, if the default codec of the type is not the best. */
  readonly codec?: string;
  /** One-line description. */
  readonly description: string;
}

/** The fields of a list of declarations with an origin. */
export type FieldOfOrigin<Field extends FieldDeclaration, Origin extends FieldOrigin> = Extract<
  Field,
  { origin: Origin }
>;

/**
 * The field types and the column that holds each (see `columns.ts`):
 * `time` milliseconds since 1970; `ip` 16 bytes, IPv4 mapped into IPv6 (RFC 4291 §2.5.5.2); `string` a dictionary
 * column; `enumeration` one byte, an index into the declaration's `values`.
 */
export type FieldType =
  'time' | 'ip' | 'uint8' | 'uint16' | 'uint32' | 'uint64' | 'boolean' | 'enumeration' | 'string';

export type FieldOrigin = 'observed' | 'context' | 'provenance';
