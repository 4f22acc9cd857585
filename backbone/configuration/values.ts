import { accessSync, constants } from 'node:fs';
import type { OptionDeclaration, StringFormat } from './option.js';
import { parseDuration, parseSize } from './quantity.js';

/** A value as it was set: of any type in YAML, otherwise a string. */
export interface RawValue {
  readonly key: string;
  readonly value: unknown;
  /** Where it was set, for messages: `sonde.yaml line 3`, `SONDE_KAFKA_BROKERS`, `--kafka-brokers`. */
  readonly origin: string;
}

/** The value of an option, or why the value that was set is invalid. */
export type ParsedValue =
  { readonly value: string | number | boolean | readonly string[] } | { readonly problem: string };

/** Parses and validates a value by the declaration of its option. */
export function parseValue(option: OptionDeclaration, { value }: RawValue): ParsedValue {
  switch (option.type) {
    case 'string':
      return parseString(value, option.values);
    case 'secret':
      return parseString(value, undefined);
    case 'file':
      return parseFile(value);
    case 'strings':
      return parseStrings(value, option);
    case 'boolean':
      return parseBoolean(value);
    case 'integer':
      return parseInteger(value, option);
    case 'duration':
    case 'size':
      return parseQuantity(value, option);
  }
}

/** The default of an option as a value; undefined if it has none. */
export function defaultValue(
  option: OptionDeclaration,
): string | number | boolean | readonly string[] | undefined {
  if (!('default' in option)) return undefined;
  if (option.type === 'duration') return parseDuration(option.default);
  return option.type === 'size' ? parseSize(option.default) : option.default;
}

function parseString(value: unknown, values: readonly string[] | undefined): ParsedValue {
  if (typeof value !== 'string' && typeof value !== 'number') return { problem: 'must be a string' };
  const string = String(value);
  if (values && !values.includes(string))
    return { problem: `must be one of ${values.join(', ')}, not ${string}` };
  return { value: string };
}

function parseFile(value: unknown): ParsedValue {
  const parsed = parseString(value, undefined);
  if ('problem' in parsed) return parsed;
  try {
    accessSync(String(value), constants.R_OK);
    return parsed;
  } catch (error) {
    return { problem: `cannot read the file: ${(error as Error).message}` };
  }
}

function parseStrings(
  value: unknown,
  { required = false, format }: OptionDeclaration & { readonly type: 'strings' },
): ParsedValue {
  const strings = typeof value === 'string' ? splitList(value) : value;
  if (!isStrings(strings)) return { problem: 'must be a list of strings' };
  if (required && strings.length === 0) return { problem: 'must have at least one entry' };
  const invalid = format && strings.find((string) => !hasFormat(string, format));
  return invalid === undefined ? { value: strings } : { problem: `must be ${format}, not ${invalid}` };
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

function splitList(list: string): string[] {
  return list
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

function hasFormat(string: string, format: StringFormat): boolean {
  switch (format) {
    case 'http://host:port':
      return URL.canParse(string) && /^https?:\/\//.test(string);
    case 'host:port':
      return /^([^\s:]+|\[[0-9A-Fa-f:.%]+\]):\d{1,5}$/.test(string);
    case 'name=file':
      return /^[^=]+=./.test(string);
  }
}

function parseBoolean(value: unknown): ParsedValue {
  if (typeof value === 'boolean') return { value };
  if (value === 'true' || value === 'false') return { value: value === 'true' };
  return { problem: 'must be true or false' };
}

function parseInteger(
  value: unknown,
  { min, max }: OptionDeclaration & { readonly type: 'integer' },
): ParsedValue {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < min || number > max)
    return { problem: `must be an integer from ${min} to ${max}, not ${JSON.stringify(value)}` };
  return { value: number };
}

function parseQuantity(
  value: unknown,
  option: OptionDeclaration & { readonly type: 'duration' | 'size' },
): ParsedValue {
  const { type, min, max } = option;
  const parse = type === 'duration' ? parseDuration : parseSize;
  const number = parse(String(value));
  const bound = (text: string) => parse(text) ?? 0;
  if (number === undefined || number < bound(min) || number > bound(max)) {
    const example = type === 'duration' ? '30s or 1h30m' : '512Mi or 1Gi';
    const problem = `must be a ${type} from ${min} to ${max} (for example ${example}), not ${JSON.stringify(value)}`;
    return { problem };
  }
  if (type === 'duration' && option.multipleOf !== undefined && number % bound(option.multipleOf) !== 0)
    return { problem: `must be a multiple of ${option.multipleOf}, not ${JSON.stringify(value)}` };
  return { value: number };
}
