import { SELECT_ALL, SelectorError, type Selector } from './selector.js';
import { tokenize, type Token } from './tokenize.js';

/** Maximum nesting of parentheses: parsing is recursive. */
const MAX_DEPTH = 100;

/**
 * Parses a selector of Calico's language. Precedence from high to low: an operation or parentheses; `!`, which
 * may repeat; `&&`; `||`. The empty string selects everything; a set may be empty and may end in a comma.
 * @throws SelectorError if the text is not a selector, or is nested too deeply.
 */
export function parseSelector(text: string): Selector {
  const tokens = new TokenReader(tokenize(text));
  if (tokens.peek().kind === 'end') return SELECT_ALL;
  const selector = disjunction(tokens);
  const rest = tokens.peek();
  if (rest.kind !== 'end') throw new SelectorError('expected the end, && or ||', rest.at);
  return selector;
}

function disjunction(tokens: TokenReader): Selector {
  return chain(tokens, '||', 'or', (reader) => chain(reader, '&&', 'and', operation));
}

function chain(
  tokens: TokenReader,
  separator: '&&' | '||',
  op: 'and' | 'or',
  part: (tokens: TokenReader) => Selector,
): Selector {
  const first = part(tokens);
  if (tokens.peek().kind !== separator) return first;
  const operands = [first];
  while (tokens.take(separator)) operands.push(part(tokens));
  return { op, operands };
}

function operation(tokens: TokenReader): Selector {
  let negated = false;
  while (tokens.take('!')) negated = !negated;
  const operand = positiveOperation(tokens);
  return negated ? { op: 'not', operand } : operand;
}

function positiveOperation(tokens: TokenReader): Selector {
  const token = tokens.next();
  switch (token.kind) {
    case 'has':
      return { op: 'has', key: token.value };
    case 'all':
    case 'global':
      return { op: token.kind };
    case 'label':
      return comparison(tokens, token.value);
    case '(':
      return tokens.within(token.at, () => {
        const inner = disjunction(tokens);
        tokens.expect(')');
        return inner;
      });
    default:
      throw new SelectorError('expected a label, has(), all(), global() or (', token.at);
  }
}

function comparison(tokens: TokenReader, key: string): Selector {
  const token = tokens.next();
  if (token.kind !== 'operator') throw new SelectorError('expected an operator after the label', token.at);
  if (token.operator === 'in' || token.operator === 'not in') {
    return { op: token.operator, key, values: setLiteral(tokens) };
  }
  const value = tokens.next();
  if (value.kind !== 'string') throw new SelectorError('expected a quoted string', value.at);
  return { op: token.operator, key, value: value.value };
}

function setLiteral(tokens: TokenReader): ReadonlySet<string> {
  tokens.expect('{');
  const values = new Set<string>();
  for (let token = tokens.peek(); token.kind === 'string'; token = tokens.peek()) {
    values.add(token.value);
    tokens.next();
    if (!tokens.take(',')) break;
  }
  tokens.expect('}');
  return values;
}

/** Reads tokens; never goes past the `end` token. */
class TokenReader {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  peek(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', at: 0 };
  }

  next(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.#at++;
    return token;
  }

  take(kind: Token['kind']): boolean {
    if (this.peek().kind !== kind) return false;
    this.#at++;
    return true;
  }

  /** Reads the contents of parentheses that open at `at`. */
  within<Read>(at: number, read: () => Read): Read {
    this.#depth++;
    if (this.#depth > MAX_DEPTH)
      throw new SelectorError(`parentheses are nested more than ${MAX_DEPTH} deep`, at);
    const inner = read();
    this.#depth--;
    return inner;
  }

  expect(kind: Token['kind']): void {
    const { at } = this.peek();
    if (!this.take(kind)) throw new SelectorError(`expected ${kind}`, at);
  }
}
