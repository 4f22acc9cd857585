import { RE2JS } from 're2js';
import { formatAddress, isMappedIpv4 } from '../net/address.js';
import type { FieldDeclaration } from '../record/field.js';
import type { AddressRange, Filter, NumberOperand, StringOperand, StringTest } from './filter.js';

/** Collects the values of a statement: `add` returns the placeholder for a value. */
export interface Parameters {
  add(value: unknown, type: string): string;
}

/**
 * Translates a filter to a ClickHouse SQL condition. It consists of field names and placeholders only; values are passed
 * as parameters.
 */
export function filterSql(filter: Filter, parameters: Parameters): string {
  switch (filter.kind) {
    case 'constant':
      return filter.value ? 'true' : 'false';
    case 'and':
    case 'or': {
      if (filter.filters.length === 0) return filter.kind === 'and' ? 'true' : 'false';
      const parts = filter.filters.map((part) => filterSql(part, parameters));
      return `(${parts.join(filter.kind === 'and' ? ' AND ' : ' OR ')})`;
    }
    case 'not':
      return `not(${filterSql(filter.filter, parameters)})`;
    case 'if': {
      const parts = [filter.when, filter.then, filter.otherwise].map((part) => filterSql(part, parameters));
      return `if(${parts.join(', ')})`;
    }
    case 'same':
      return `(${filterSql(filter.left, parameters)} = ${filterSql(filter.right, parameters)})`;
    case 'boolean':
      return `(${filter.field.name} = true)`;
    case 'enumeration':
      return enumerationSql(filter, parameters);
    case 'sameEnumeration':
      return `(toString(${filter.left.name}) = toString(${filter.right.name}))`;
    case 'string':
      return stringTestSql(filter.operand, filter.test, parameters);
    case 'sameString':
      return `(${stringSql(filter.left, parameters)} = ${stringSql(filter.right, parameters)})`;
    case 'address':
      return addressSql(filter.field, filter.ranges, parameters);
    case 'sameAddress':
      return `(${filter.left.name} = ${filter.right.name})`;
    case 'comparison':
      return comparisonSql(filter, parameters);
    case 'numbers': {
      if (filter.values.length === 0) return 'false';
      return `(${filter.field.name} IN ${parameters.add(filter.values, 'Array(UInt64)')})`;
    }
  }
}

type Of<Kind extends Filter['kind']> = Extract<Filter, { kind: Kind }>;

function enumerationSql({ field, values }: Of<'enumeration'>, parameters: Parameters): string {
  if (values.length === 0) return 'false';
  return `(${field.name} IN ${parameters.add([...new Set(values)], 'Array(String)')})`;
}

/** A field or a label as an SQL expression. */
export function stringSql(operand: StringOperand, parameters: Parameters): string {
  if (operand.kind === 'field') return operand.field.name;
  // The value of the first label with this key.
  const pattern = `(?:^|,)${RE2JS.quote(operand.key)}=([^,]*)`;
  return `extract(${operand.field.name}, ${parameters.add(pattern, 'String')})`;
}

function stringTestSql(operand: StringOperand, test: StringTest, parameters: Parameters): string {
  const text = stringSql(operand, parameters);
  const add = (value: string) => parameters.add(value, 'String');
  switch (test.kind) {
    case 'oneOf':
      return test.values.length === 1
        ? `(${text} = ${add(test.values[0] ?? '')})`
        : `(${text} IN ${parameters.add(test.values, 'Array(String)')})`;
    case 'startsWith':
      return `startsWith(${text}, ${add(test.part)})`;
    case 'endsWith':
      return `endsWith(${text}, ${add(test.part)})`;
    case 'contains':
      return `(position(${text}, ${add(test.part)}) > 0)`;
    case 'matches':
      return `match(${text}, ${add(test.pattern)})`;
    case 'hasItem':
      return `(position(concat(',', ${text}, ','), ${add(`,${test.item},`)}) > 0)`;
    case 'hasLabel':
      return `(position(concat(',', ${text}), ${add(`,${test.key}=`)}) > 0)`;
  }
}

function addressSql(
  { name }: FieldDeclaration,
  ranges: readonly AddressRange[],
  parameters: Parameters,
): string {
  const add = (address: Uint8Array) => parameters.add(addressText(address), 'IPv6');
  const singles = ranges.filter(({ first, last }) => first === last).map(({ first }) => addressText(first));
  const conditions = ranges
    .filter(({ first, last }) => first !== last)
    .map(({ first, last }) => `${name} BETWEEN ${add(first)} AND ${add(last)}`);
  if (singles.length > 0) conditions.push(`${name} IN ${parameters.add(singles, 'Array(IPv6)')}`);
  return conditions.length > 0 ? `(${conditions.join(' OR ')})` : 'false';
}

/** An address as ClickHouse reads it for IPv6. */
function addressText(address: Uint8Array): string {
  return (isMappedIpv4(address) ? '::ffff:' : '') + formatAddress(address);
}

function comparisonSql({ operator, left, right }: Of<'comparison'>, parameters: Parameters): string {
  const inDoubles = left.kind === 'arithmetic' || right.kind === 'arithmetic';
  const toSql = inDoubles ? doubleSql : exactSql;
  return `(${toSql(left, parameters)} ${operator === '==' ? '=' : operator} ${toSql(right, parameters)})`;
}

function exactSql(number: NumberOperand, parameters: Parameters): string {
  if (number.kind === 'field') return number.field.name;
  if (number.kind === 'arithmetic') return doubleSql(number, parameters);
  const { value, isTime } = number;
  if (isTime) return parameters.add(timeText(Number(value)), "DateTime64(3, 'UTC')");
  return parameters.add(value, value < 0n ? 'Int64' : 'UInt64');
}

function doubleSql(number: NumberOperand, parameters: Parameters): string {
  if (number.kind !== 'arithmetic') return `toFloat64(${exactSql(number, parameters)})`;
  const { operator, left, right } = number;
  return `(${doubleSql(left, parameters)} ${operator} ${doubleSql(right, parameters)})`;
}

/** A time (milliseconds since 1970) as ClickHouse reads it for `DateTime64(3, 'UTC')`. */
export function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('T', ' ').replace('Z', '');
}
