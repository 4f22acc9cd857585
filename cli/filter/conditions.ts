import { nearestNames } from '@sonde/model/filter/nearest-names';
import { parseTimestamp } from '@sonde/model/filter/timestamp';
import { AddressError, parseAddress } from '@sonde/model/net/address';
import { parsePrefix } from '@sonde/model/net/prefix';
import { protocolNumber } from '@sonde/model/net/protocol';
import type { FieldDeclaration } from '@sonde/model/record/field';
import type { RecordKind } from '../client/records.js';
import { CommandLineError } from './errors.js';
import { numberText } from './numbers.js';
import { targetOf } from './targets.js';

export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=';

/**
 * A condition of the filter language for a name, an operator and values: `=` is true for any of the values, `!=` for none
 * of them.
 * @throws CommandLineError for names and values that do not exist or do not fit.
 */
export function conditionOf(
  name: string,
  operator: Operator,
  values: readonly string[],
  kind: RecordKind,
): string {
  const { expression, field, isEither } = targetOf(name, kind);
  const text =
    operator === '=' || operator === '!='
      ? anyOf(name, values, expression, field)
      : comparison(name, operator, values, expression, field);
  const scoped = isEither ? `either(${text})` : text;
  // Negated as a whole: neither side matches, and none of the values.
  return operator === '!=' ? `!${isEither ? scoped : `(${text})`}` : scoped;
}

function comparison(
  name: string,
  operator: Operator,
  [value = '', ...more]: readonly string[],
  expression: string,
  field: FieldDeclaration | undefined,
): string {
  if (more.length > 0) throw new CommandLineError(`"${name}${operator}" takes one value, not a list`);
  return `${expression} ${operator} ${comparableText(name, operator, value, field)}`;
}

function anyOf(
  name: string,
  values: readonly string[],
  expression: string,
  field: FieldDeclaration | undefined,
): string {
  const plain: string[] = [];
  const conditions: string[] = [];
  for (const value of values) {
    const condition = specialCondition(name, expression, value, field);
    if (condition === undefined) plain.push(...literals(name, value, field));
    else conditions.push(condition);
  }
  if (field?.form === 'list') conditions.push(...plain.map((literal) => `${literal} in ${expression}`));
  else if (plain.length === 1) conditions.unshift(`${expression} == ${plain.join('')}`);
  else if (plain.length > 1) conditions.unshift(`${expression} in [${plain.join(', ')}]`);
  return conditions.length === 1 ? conditions.join('') : `(${conditions.join(' || ')})`;
}

/** A condition that is more than a comparison with one value; undefined if one value is enough. */
function specialCondition(
  name: string,
  expression: string,
  value: string,
  field: FieldDeclaration | undefined,
): string | undefined {
  if (field?.form === 'labels') throw new CommandLineError(`write ${name}.KEY=VALUE for a label`);
  switch (field?.type) {
    case undefined:
    case 'string':
      if (!value.includes('*')) return undefined;
      if (value === '*') return `${expression} != ""`;
      return isDomain(field)
        ? `domain(${expression}, ${JSON.stringify(value)})`
        : `${expression}.matches(${JSON.stringify(globPattern(value))})`;
    case 'ip':
      if (!value.includes('/')) return undefined;
      checkAddress(value, parsePrefix, 'a CIDR such as 10.0.0.0/8');
      return `cidr(${expression}, ${JSON.stringify(value)})`;
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'uint64': {
      const [, low, high] = /^(\d+)-(\d+)$/.exec(value) ?? [];
      if (low === undefined || high === undefined) return undefined;
      const [from, to] = [numberText(name, low, field), numberText(name, high, field)];
      return `(${expression} >= ${from} && ${expression} <= ${to})`;
    }
    default:
      return undefined;
  }
}

function isDomain(field: FieldDeclaration | undefined): boolean {
  return field !== undefined && /(^|_)domain$|^query_name$|^tls_server_name$/.test(field.name);
}

/** An RE2 pattern for the whole string, in which `*` is any number of characters. */
function globPattern(glob: string): string {
  const parts = glob.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return `^${parts.join('.*')}$`;
}

/** A value as literals of the filter language: several for an enumeration's values that match `*`. */
function literals(name: string, value: string, field: FieldDeclaration | undefined): string[] {
  switch (field?.type) {
    case 'enumeration':
      return enumerationValues(name, value, field.values ?? []).map((one) => JSON.stringify(one));
    case 'boolean':
      if (value === 'true' || value === 'false') return [value];
      throw new CommandLineError(`${name} is true or false, not "${value}"`);
    case 'time':
      return [timeLiteral(name, value)];
    case 'ip':
      checkAddress(value, parseAddress, 'an address');
      return [JSON.stringify(value)];
    case 'uint8':
      if (field.name === 'protocol') return [protocolText(value)];
      return [numberText(name, value, field)];
    case 'uint16':
    case 'uint32':
    case 'uint64':
      return [numberText(name, value, field)];
    default:
      return [JSON.stringify(value)];
  }
}

function timeLiteral(name: string, value: string): string {
  if (parseTimestamp(value) === undefined)
    throw new CommandLineError(`${name} is a time such as 2026-03-01T12:00:00Z, not "${value}"`);
  return `timestamp(${JSON.stringify(value)})`;
}

function checkAddress(value: string, parse: (text: string) => unknown, form: string): void {
  try {
    parse(value);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw new CommandLineError(`"${value}" is not ${form}`);
  }
}

function protocolText(value: string): string {
  const number = protocolNumber(value);
  if (number === undefined)
    throw new CommandLineError(`there is no protocol "${value}": use tcp, udp, icmp, sctp or a number`);
  return /^\d+$/.test(value) ? value : JSON.stringify(value.toLowerCase());
}

function enumerationValues(name: string, value: string, values: readonly string[]): readonly string[] {
  const pattern = new RegExp(globPattern(value));
  const matching = values.filter((one) => pattern.test(one));
  if (matching.length > 0) return matching;
  const near = [
    ...new Set([
      ...nearestNames(value, values),
      ...values.filter((one) => one.slice(0, 3) === value.slice(0, 3)),
    ]),
  ];
  const meant = near.length > 0 ? `did you mean ${near.join(' or ')}?` : `it is one of ${values.join(', ')}`;
  throw new CommandLineError(`${name} is never "${value}": ${meant}`);
}

function comparableText(
  name: string,
  operator: Operator,
  value: string,
  field: FieldDeclaration | undefined,
): string {
  if (field?.type === 'time') return timeLiteral(name, value);
  if (field?.type.startsWith('uint')) return numberText(name, value, field);
  throw new CommandLineError(
    `"${name}${operator}${value}": ${operator} compares numbers and times, and ${name} is neither`,
  );
}
