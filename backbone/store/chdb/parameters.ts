import { quoted } from '../sql/sql-engine.js';
import type { QueryParameters } from '../store.js';

/** Values of parameters for `SET param_…`, escaped as in a tab-separated file. */
export type ParameterStrings = Readonly<Record<string, string>>;

/**
 * Formats the values of parameters.
 * @throws TypeError for values other than strings, numbers, booleans and arrays of them.
 */
export function formatParameters(parameters: QueryParameters): ParameterStrings {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      typeof value === 'string' ? escaped(value) : literal(value),
    ]),
  );
}

/** A value in an array, or a number. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(',')}]`;
  switch (typeof value) {
    case 'string':
      return quoted(value);
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      throw new TypeError(`a query parameter cannot be of type ${typeof value}`);
  }
}

/** https://clickhouse.com/docs/interfaces/formats/TabSeparated#data-formatting */
const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '\0': '\\0',
};

function escaped(value: string): string {
  return value.replaceAll(/[\\\t\n\r\0]/g, (character) => ESCAPES[character] ?? character);
}
