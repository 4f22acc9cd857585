import { type ASTNode, Environment, ParseError } from '@marcbachmann/cel-js';
import { FilterError } from './errors.js';

export type CelNode = ASTNode;

/** Most characters of a filter. */
const MAX_CHARACTERS = 8192;

/** Most levels of the tree; the parser's own limit is of brackets only. */
const MAX_LEVELS = 64;

const LIMITS = { maxAstNodes: 2000, maxDepth: 32, maxListElements: 1000, maxCallArguments: 8 };

const environment = new Environment({ unlistedVariablesAreDyn: true, limits: LIMITS });

/**
 * The syntax tree of an expression of CEL (https://github.com/google/cel-spec, doc/langdef.md), with positions in
 * the text. Size and depth are bounded. Nothing is checked yet but the syntax.
 * @throws FilterError
 */
export function parseCel(text: string): CelNode {
  if (text.length > MAX_CHARACTERS) {
    throw new FilterError(`a filter may have ${MAX_CHARACTERS} characters`, MAX_CHARACTERS, text.length);
  }
  const lone = text.search(/\p{Surrogate}/u);
  if (lone >= 0) throw new FilterError('this is half a character', lone, lone + 1);
  try {
    const { ast } = environment.parse(withoutReservedWord(text));
    if (depthOf(ast) > MAX_LEVELS) {
      throw new FilterError('the filter is too large or too deep', ast.start, ast.end);
    }
    return ast;
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

/** The parts of `a && b && c`, which the tree holds two at a time: as deep as it is long. */
export function chain(operator: '&&' | '||', node: CelNode): CelNode[] {
  const parts: CelNode[] = [];
  let rest = node;
  while (rest.op === operator) {
    parts.unshift(rest.args[1]);
    rest = rest.args[0];
  }
  return [rest, ...parts];
}

/** How many levels a tree has, if chains of conditions count as one. */
function depthOf(node: CelNode): number {
  return 1 + partsOf(node).reduce((most, part) => Math.max(most, depthOf(part)), 0);
}

function partsOf(node: CelNode): readonly CelNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '&&':
    case '||':
      return chain(node.op, node);
    case '!_':
    case '-_':
      return [node.args];
    case '.':
    case '.?':
      return [node.args[0]];
    case 'call':
      return node.args[1];
    case 'rcall':
      return [node.args[1], ...node.args[2]];
    case 'map':
      return node.args.flat();
    default:
      return node.args;
  }
}

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
