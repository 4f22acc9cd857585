import { selects } from '@sonde/model/policy/selector/evaluate';
import { parseSelector } from '@sonde/model/policy/selector/parse';
import { SelectorError } from '@sonde/model/policy/selector/selector';
import { InputError, readJson } from './load.js';
import { jsonText } from '../table/printable.js';

export interface MatchOptions {
  readonly selector?: string;
  readonly labels?: string;
  readonly file?: string;
}

/** Whether the selector matches, or its error with the position in characters from 0. */
type Answer = boolean | { readonly error: string; readonly position: number };

/**
 * Evaluates a selector with labels, or each item of a file.
 * @returns the result as JSON, for a file a list of the same length.
 * @throws InputError if the options or the file are invalid.
 */
export async function match({ selector, labels, file }: MatchOptions): Promise<string> {
  if (file !== undefined) {
    if (selector !== undefined || labels !== undefined) {
      throw new InputError(['--file cannot be combined with --selector and --labels.']);
    }
    const given = await readJson(file);
    if (!Array.isArray(given)) throw new InputError([`${file}: must be a list of {selector, labels}`]);
    return jsonText(given.map((item: unknown, index) => answerItem(item, `${file}: [${index}]`)));
  }
  if (selector === undefined) throw new InputError(['Give --selector and --labels, or --file.']);
  return jsonText(answer(selector, parseLabels(labels ?? '')));
}

function answerItem(item: unknown, where: string): Answer {
  const { selector, labels } = (typeof item === 'object' && item !== null ? item : {}) as Record<
    string,
    unknown
  >;
  if (typeof selector !== 'string') throw new InputError([`${where}: selector must be a string`]);
  const entries = Object.entries(typeof labels === 'object' && labels !== null ? labels : {});
  const texts = entries.map(([key, value]: [string, unknown]) => {
    if (typeof value !== 'string') throw new InputError([`${where}: label ${key} must be a string`]);
    return [key, value] as const;
  });
  return answer(selector, new Map(texts));
}

function answer(selector: string, labels: ReadonlyMap<string, string>): Answer {
  try {
    return selects(parseSelector(selector), labels);
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error;
    return { error: error.message, position: error.position };
  }
}

function parseLabels(text: string): Map<string, string> {
  const pairs = text.split(',').filter((pair) => pair.trim() !== '');
  return new Map(
    pairs.map((pair) => {
      const equals = pair.indexOf('=');
      if (equals <= 0) throw new InputError([`--labels: "${pair}" is not of the form k=v`]);
      return [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()];
    }),
  );
}
