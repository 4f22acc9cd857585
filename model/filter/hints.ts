/** A reason for a syntax error, and the part of the text that it is about. */
export interface SyntaxHint {
  readonly reason: string;
  readonly start: number;
  readonly end: number;
}

/** Words of other languages, and the operators that they mean. */
const OPERATORS: Readonly<Record<string, string>> = {
  and: '&&',
  or: '||',
  not: '!',
  is: '==',
  eq: '==',
  ne: '!=',
};

/** What the author of a filter with a syntax error at `at` probably meant; undefined if nothing usual explains it. */
export function syntaxHint(text: string, at: number): SyntaxHint | undefined {
  const character = text[at] ?? '';
  if (character === '=') return { reason: 'write == to compare', start: at, end: at + 1 };
  if (character === '&') return { reason: 'write && for "and"', start: at, end: at + 1 };
  if (character === '|') return { reason: 'write || for "or"', start: at, end: at + 1 };
  if (/[“”„‘’]/.test(character)) return { reason: 'write straight quotes, "…"', start: at, end: at + 1 };
  const before = /\w*$/.exec(text.slice(0, at))?.[0] ?? '';
  const word = before + (/^\w*/.exec(text.slice(at))?.[0] ?? '');
  const start = at - before.length;
  // The parser takes the first word for a name, and the second for the error.
  const [, previous = '', gap = ''] = /(\w+)(\s+)$/.exec(text.slice(0, start)) ?? [];
  return (
    operatorHint(word, start) ??
    operatorHint(previous, start - gap.length - previous.length) ??
    unitHint(word, start)
  );
}

function operatorHint(word: string, start: number): SyntaxHint | undefined {
  const name = word.toLowerCase();
  if (!Object.hasOwn(OPERATORS, name)) return undefined;
  return { reason: `write ${OPERATORS[name] ?? ''} instead of ${word}`, start, end: start + word.length };
}

function unitHint(word: string, start: number): SyntaxHint | undefined {
  if (!/^\d+[A-Za-z]+$/.test(word)) return undefined;
  const reason = 'only durations have a unit: us, ms, s, m, h or d, as in 5ms';
  return { reason, start, end: start + word.length };
}
