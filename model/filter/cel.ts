import { type ASTNode, Environment, ParseError } from '@marcbachmann/cel-js';
import { FilterError } from './errors.js';

export type CelNode = ASTNode;

/** Most characters of a filter. */
export const MOST_CHARACTERS = 8192;

const LIMITS = { maxAstNodes: 2000, maxDepth: 32, maxListElements: 1000, maxCallArguments: 8 };

const environment = new Environment({ unlistedVariablesAreDyn: true, limits: LIMITS });

/**
 * The syntax tree of an expression of CEL (https://github.com/google/cel-spec, doc/langdef.md), with positions in
 * the text. Size and depth are bounded. Nothing is checked yet but the syntax.
 * @throws FilterError
 */
export function parseCel(text: string): CelNode {
  if (text.length > MOST_CHARACTERS) {
    throw new FilterError(`a filter may have ${MOST_CHARACTERS} characters`, MOST_CHARACTERS, text.length);
  }
  const lone = text.search(/\p{Surrogate}/u);
  if (lone >= 0) throw new FilterError('this is half a character', lone, lone + 1);
  try {
    return environment.parse(withoutReservedWord(text)).ast;
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const { start, end } = error.range ?? { start: 0, end: 0 };
    throw new FilterError(REASONS[error.code] ?? error.summary, start, end);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  unexpected_token: 'a value or a condition is missing here',
  limit_exceeded: 'the filter is too large or too deep',
};

/** A name of the tree as the filter's text has it. */
export function nameOf(name: string): string {
  return name === STAND_IN ? 'namespace' : name;
}

/**
 * The grammar reserves `namespace`, which in Kubernetes is the first word of all. So it goes to the parser in
 * another spelling, of the same length for the sake of positions.
 */
const STAND_IN = 'nAmEsPaCe';

function withoutReservedWord(text: string): string {
  return text.replace(TOKEN, (token) => (token === 'namespace' ? STAND_IN : token));
}

/** Texts and comments, in which nothing may be changed, and words. */
const TOKEN =
  /[rR]?(?:"""[^]*?"""|'''[^]*?'''|"(?:\\[^]|[^"\\\n])*"|'(?:\\[^]|[^'\\\n])*')|\/\/[^\n]*|[A-Za-z_]\w*/g;
