import { quoted } from '../sql/sql-engine.js';
import type { QueryParameters } from '../store.js';

/** Parameters' values as `SET param_…` takes them: as in a tab-separated file. */
export type ParameterStrings = Readonly<Record<string, string>>;

/** @throws TypeError for values that the engine has no text of. */
export function formatParameters(parameters: QueryParameters): ParameterStrings {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      typeof value === 'string' ? escaped(value) : literal(value),
    ]),
  );
}

/** A value inside a list, or a number. */
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
      throw new TypeError(`the store takes no ${typeof value} as a parameter`);
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

function escaped(text: string): string {
  return text.replaceAll(/[\\\t\n\r\0]/g, (character) => ESCAPES[character] ?? character);
}
