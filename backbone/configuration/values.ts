import { accessSync, constants } from 'node:fs';
import type { OptionDeclaration, TextForm } from './option.js';

/** A value as somebody gave it: from YAML of any kind, else text. */
export interface GivenValue {
  readonly key: string;
  readonly value: unknown;
  /** Who gave it, for people: `sonde.yaml line 3`, `SONDE_KAFKA_BROKERS`, `--kafka-brokers`. */
  readonly origin: string;
}

/** The value of an option, or what is wrong with what was given. */
export type CheckedValue =
  { readonly value: string | number | boolean | readonly string[] } | { readonly problem: string };

/** Reads a value as its option's type says. */
export function checkValue(option: OptionDeclaration, { value }: GivenValue): CheckedValue {
  switch (option.type) {
    case 'text':
      return checkText(value, option.values);
    case 'secret':
      return checkText(value, undefined);
    case 'file':
      return checkFile(value);
    case 'texts':
      return checkTexts(value, option);
    case 'boolean':
      return checkBoolean(value);
    case 'number':
    case 'integer':
      return checkNumber(value, option);
  }
}

function checkText(value: unknown, values: readonly string[] | undefined): CheckedValue {
  if (typeof value !== 'string' && typeof value !== 'number') return { problem: 'must be a text' };
  const text = String(value);
  if (values && !values.includes(text))
    return { problem: `must be one of ${values.join(', ')}, not ${text}` };
  return { value: text };
}

function checkFile(value: unknown): CheckedValue {
  const checked = checkText(value, undefined);
  if ('problem' in checked) return checked;
  try {
    accessSync(String(value), constants.R_OK);
    return checked;
  } catch (error) {
    return { problem: `cannot be read: ${(error as Error).message}` };
  }
}

function checkTexts(
  value: unknown,
  { required = false, form }: OptionDeclaration & { readonly type: 'texts' },
): CheckedValue {
  const texts = typeof value === 'string' ? splitTexts(value) : value;
  if (!isTexts(texts)) return { problem: 'must be a list of texts' };
  if (required && texts.length === 0) return { problem: 'must name at least one' };
  const wrong = form && texts.find((text) => !hasForm(text, form));
  return wrong === undefined ? { value: texts } : { problem: `must be ${form}, not ${wrong}` };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function splitTexts(text: string): string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

function hasForm(text: string, form: TextForm): boolean {
  switch (form) {
    case 'http://host:port':
      return URL.canParse(text) && /^https?:\/\//.test(text);
    case 'host:port':
      return /^([^\s:]+|\[[0-9A-Fa-f:.%]+\]):\d{1,5}$/.test(text);
    case 'name=file':
      return /^[^=]+=./.test(text);
  }
}

function checkBoolean(value: unknown): CheckedValue {
  if (typeof value === 'boolean') return { value };
  if (value === 'true' || value === 'false') return { value: value === 'true' };
  return { problem: 'must be true or false' };
}

function checkNumber(
  value: unknown,
  { type, least, most }: OptionDeclaration & { readonly type: 'number' | 'integer' },
): CheckedValue {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  const isRight = typeof number === 'number' && (type === 'number' || Number.isInteger(number));
  if (!isRight || !(number >= least && number <= most)) {
    const what = type === 'integer' ? 'a whole number' : 'a number';
    return { problem: `must be ${what} from ${least} to ${most}, not ${JSON.stringify(value)}` };
  }
  return { value: number };
}
