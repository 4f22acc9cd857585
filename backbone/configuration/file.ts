import { readFileSync } from 'node:fs';
import { isMap, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import type { ConfigurationProblem } from './problem.js';
import type { GivenValue } from './values.js';

/** What a configuration file gives, key by key, and what of it cannot be read. */
export function readFile(file: string): { given: GivenValue[]; problems: ConfigurationProblem[] } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return { given: [], problems: [{ origin: file, reason: (error as Error).message }] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const problems = document.errors.map(({ message, pos }) => ({
    origin: `${file} line ${lines.linePos(pos[0]).line}`,
    reason: message.split('\n')[0] ?? '',
  }));
  if (problems.length > 0 || document.contents === null) return { given: [], problems };
  if (!isMap(document.contents)) {
    return { given: [], problems: [{ origin: file, reason: 'must hold keys and values' }] };
  }
  const given: GivenValue[] = [];
  collect(document.contents, '');
  return { given, problems };

  /** Maps are paths, all else are values: no option's value is a map. */
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
      // A key without a value says nothing.
      if (plain !== null) given.push({ key: name, value: plain, origin: `${file} line ${line}` });
    }
  }
}
