import { readFileSync } from 'node:fs';
import { isMap, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import type { ConfigurationProblem } from './problem.js';
import type { RawValue } from './values.js';

/** Reads the settings of a YAML file, flattened to dotted keys, and its syntax errors. */
export function readFile(file: string): { values: RawValue[]; problems: ConfigurationProblem[] } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return { values: [], problems: [{ origin: file, reason: (error as Error).message }] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const problems = document.errors.map(({ message, pos }) => ({
    origin: `${file} line ${lines.linePos(pos[0]).line}`,
    reason: message.split('\n')[0] ?? '',
  }));
  if (problems.length > 0 || document.contents === null) return { values: [], problems };
  if (!isMap(document.contents)) {
    return { values: [], problems: [{ origin: file, reason: 'must be a YAML mapping of settings' }] };
  }
  const values: RawValue[] = [];
  collect(document.contents, '');
  return { values, problems };

  /** Nested maps are key prefixes: no setting has a map as its value. */
  function collect(map: YAMLMap, path: string): void {
    for (const { key, value } of map.items) {
      const name = path + String(key);
      if (isMap(value)) {
        collect(value, `${name}.`);
        continue;
      }
      const range = (key as { readonly range?: readonly number[] }).range;
      const line = lines.linePos(range?.[0] ?? 0).line;
      const plain: unknown = (value as { toJS?: (of: unknown) => unknown } | null)?.toJS?.(document) ?? null;
      // A key without a value is not set.
      if (plain !== null) values.push({ key: name, value: plain, origin: `${file} line ${line}` });
    }
  }
}
