import { SelectorError, type ComparisonOperator, type MembershipOperator } from './selector.js';

/** A token of a selector, with its position in characters from 0. */
export type Token =
  | { readonly kind: 'label' | 'string' | 'has'; readonly value: string; readonly at: number }
  | { readonly kind: 'operator'; readonly operator: Operator; readonly at: number }
  | { readonly kind: Punctuation | 'all' | 'global' | 'end'; readonly at: number };

type Operator = ComparisonOperator | MembershipOperator;
type Punctuation = '(' | ')' | '{' | '}' | ',' | '!' | '&&' | '||';

/** Maximum length of a label key. */
const MAX_LABEL_LENGTH = 512;

const IDENTIFIER = /[A-Za-z0-9_./-]*/y;
const WORD_OPERATORS: readonly (readonly [RegExp, Operator])[] = [
  [/contains(?![A-Za-z0-9_./-])/y, 'contains'],
  [/starts[ \t]*with(?![A-Za-z0-9_./-])/y, 'starts with'],
  [/ends[ \t]*with(?![A-Za-z0-9_./-])/y, 'ends with'],
  [/not[ \t]*in(?![A-Za-z0-9_./-])/y, 'not in'],
  [/in(?![A-Za-z0-9_./-])/y, 'in'],
];

/**
 * Splits a selector text into tokens, the last of which is `end`. An identifier is an operator only
 * directly after a label, so labels may be named `in` or `contains`; `has(`, `all(` and `global(` are one token
 * with their closing parenthesis.
 * @throws SelectorError where there is no valid token.
 */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    at = skipBlanks(text, at);
    if (at >= text.length) return [...tokens, { kind: 'end', at }];
    const afterLabel = tokens.at(-1)?.kind === 'label';
    const [token, next] = punctuation(text, at) ?? (afterLabel ? wordOperator(text, at) : word(text, at));
    tokens.push(token);
    at = next;
  }
}

type Read = readonly [token: Token, next: number];

function punctuation(text: string, at: number): Read | undefined {
  const character = text.charAt(at);
  switch (character) {
    case '(':
    case ')':
    case '{':
    case '}':
    case ',':
      return [{ kind: character, at }, at + 1];
    case '"':
    case "'": {
      const end = text.indexOf(character, at + 1);
      if (end < 0) throw new SelectorError('the string has no closing quote', at);
      return [{ kind: 'string', value: text.slice(at + 1, end), at }, end + 1];
    }
    case '=':
      if (text.startsWith('==', at)) return [{ kind: 'operator', operator: '==', at }, at + 2];
      throw new SelectorError('expected ==', at);
    case '!':
      if (text.startsWith('!=', at)) return [{ kind: 'operator', operator: '!=', at }, at + 2];
      return [{ kind: '!', at }, at + 1];
    case '&':
    case '|': {
      const twice = character === '&' ? '&&' : '||';
      if (text.startsWith(twice, at)) return [{ kind: twice, at }, at + 2];
      throw new SelectorError(`expected ${twice}`, at);
    }
    default:
      return undefined;
  }
}

function wordOperator(text: string, at: number): Read {
  for (const [pattern, operator] of WORD_OPERATORS) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) return [{ kind: 'operator', operator, at }, at + found[0].length];
  }
  throw new SelectorError('expected an operator after the label', at);
}

function word(text: string, at: number): Read {
  for (const name of ['has', 'all', 'global'] as const) {
    if (!text.startsWith(`${name}(`, at)) continue;
    let next = skipBlanks(text, at + name.length + 1);
    let key = '';
    if (name === 'has') {
      key = identifier(text, next);
      next = skipBlanks(text, next + key.length);
    }
    if (text.charAt(next) !== ')') throw new SelectorError(`${name}( is not closed by )`, next);
    return [name === 'has' ? { kind: name, value: key, at } : { kind: name, at }, next + 1];
  }
  const value = identifier(text, at);
  return [{ kind: 'label', value, at }, at + value.length];
}

function identifier(text: string, at: number): string {
  IDENTIFIER.lastIndex = at;
  const found = IDENTIFIER.exec(text)?.[0] ?? '';
  if (found === '') throw new SelectorError('expected a label name', at);
  if (found.length > MAX_LABEL_LENGTH) {
    throw new SelectorError(`the label name is longer than ${MAX_LABEL_LENGTH} characters`, at);
  }
  return found;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (text.charAt(at) === ' ' || text.charAt(at) === '\t') at++;
  return at;
}
