/**
 * A filter as a list of conditions that must all hold, so that it can be shown as chips: the parts between `&&` at the
 * top level. Joined again they are the same filter; what is not a conjunction is one condition.
 */
export function conditionsOf(filter: string): string[] {
  const parts = splitTopLevel(filter);
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}

/** The filter of conditions; those that would bind weaker than `&&` get parentheses. */
export function filterOf(conditions: readonly string[]): string {
  if (conditions.length === 1) return conditions[0] ?? '';
  return conditions.map((one) => (bindsWeaker(one) ? `(${one})` : one)).join(' && ');
}

/** The filter with one more condition; unchanged if it has it. */
export function withCondition(filter: string, condition: string): string {
  const conditions = conditionsOf(filter);
  return conditions.includes(condition) ? filter : filterOf([...conditions, condition]);
}

/** The filter without one of its conditions. */
export function withoutCondition(filter: string, index: number): string {
  return filterOf(conditionsOf(filter).filter((_, at) => at !== index));
}

/** The opposite of a condition: `==` and `!=` change places, all else gets or loses a `!`. */
export function negated(condition: string): string {
  const [, name, operator, value] =
    /^([\w.]+(?:\["[^"\\]*"\])?) (==|!=) ("(?:[^"\\]|\\.)*"|[\w.]+)$/.exec(condition) ?? [];
  if (name !== undefined) return `${name} ${operator === '==' ? '!=' : '=='} ${value}`;
  if (condition.startsWith('!(') && closesAtEnd(condition.slice(1))) return condition.slice(2, -1);
  if (/^\w+\(/.test(condition) && closesAtEnd(condition.replace(/^\w+/, ''))) return `!${condition}`;
  if (/^!\w+\(/.test(condition)) return condition.slice(1);
  return `!(${condition})`;
}

/** The condition that a field has a value. */
export function equals(variable: string, value: string | number | boolean): string {
  return `${variable} == ${typeof value === 'string' ? quoted(value) : String(value)}`;
}

/** The condition that either end has a value of a field of ends, for example `namespace`. */
export function eitherEquals(field: string, value: string): string {
  return `either(${field} == ${quoted(value)})`;
}

/** A string literal of the filter language. */
export function quoted(value: string): string {
  return JSON.stringify(value);
}

/** Splits at `&&` outside of strings and brackets; a top-level `||` or `?` makes the whole text one part. */
function splitTopLevel(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (const { at, depth, token } of tokensOf(text)) {
    if (depth > 0) continue;
    if (token === '||' || token === '?') return [text];
    if (token !== '&&') continue;
    parts.push(text.slice(start, at));
    start = at + 2;
  }
  return [...parts, text.slice(start)];
}

function bindsWeaker(condition: string): boolean {
  return [...tokensOf(condition)].some(
    ({ depth, token }) => depth === 0 && (token === '||' || token === '?'),
  );
}

/** Whether the bracket that a text begins with closes at its end. */
function closesAtEnd(text: string): boolean {
  const closing = [...tokensOf(text)].find(({ depth, token }) => token === ')' && depth === 0);
  return closing?.at === text.length - 1;
}

interface Token {
  readonly at: number;
  /** Brackets open around it. */
  readonly depth: number;
  readonly token: string;
}

/** Operators and brackets outside of strings. */
function* tokensOf(text: string): Generator<Token> {
  let depth = 0;
  const pattern = /r?"(?:[^"\\]|\\.)*"|r?'(?:[^'\\]|\\.)*'|&&|\|\||[?()[\]{}]/g;
  for (const { 0: token, index: at } of text.matchAll(pattern)) {
    if (/^r?["']/.test(token)) continue;
    if (')]}'.includes(token)) depth--;
    yield { at, depth, token };
    if ('([{'.includes(token)) depth++;
  }
}
