import { type ASTNode, Environment, ParseError } from '@marcbachmann/cel-js';
import { durationPlaceholder } from './durations.js';
import { FilterError } from './errors.js';
import { syntaxHint } from './hints.js';

export type CelNode = ASTNode;

/** Maximum number of characters (code points) in a filter. */
const MAX_CHARACTERS = 8192;

/** Maximum depth of the tree; the parser's own limit applies to brackets only. */
const MAX_DEPTH = 64;

const LIMITS = { maxAstNodes: 2000, maxDepth: 32, maxListElements: 1000, maxCallArguments: 8 };

const environment = new Environment({ unlistedVariablesAreDyn: true, limits: LIMITS });

/**
 * The syntax tree of an expression of CEL (https://github.com/google/cel-spec, doc/langdef.md), with positions in
 * the text. Size and depth are bounded. Only the syntax is checked.
 * @throws FilterError
 */
export function parseCel(text: string): CelNode {
  if (text.length > MAX_CHARACTERS && Array.from(text).length > MAX_CHARACTERS) {
    throw new FilterError(
      `a filter may have at most ${MAX_CHARACTERS} characters`,
      MAX_CHARACTERS,
      text.length,
    );
  }
  const lone = text.search(/\p{Surrogate}/u);
  if (lone >= 0) throw new FilterError('this is an unpaired surrogate', lone, lone + 1);
  try {
    const { ast } = environment.parse(withPlaceholders(text));
    if (depthOf(ast) > MAX_DEPTH) {
      throw new FilterError('the filter is too large or too deep', ast.start, ast.end);
    }
    return ast;
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const { start, end } = error.range ?? { start: 0, end: 0 };
    const hint = syntaxHint(text, start);
    if (hint) throw new FilterError(hint.reason, hint.start, hint.end);
    throw new FilterError(REASONS[error.code] ?? error.summary, start, end);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  unexpected_token: 'a value or a condition is missing here',
  limit_exceeded: 'the filter is too large or too deep',
  unterminated_string: 'this string has no closing quote',
};

/** The parts of `a && b && c`, which the tree nests two at a time. */
export function chain(operator: '&&' | '||', node: CelNode): CelNode[] {
  const parts: CelNode[] = [];
  let rest = node;
  while (rest.op === operator) {
    parts.unshift(rest.args[1]);
    rest = rest.args[0];
  }
  return [rest, ...parts];
}

/** Depth of a tree, in which a chain of conditions counts as one level. */
function depthOf(node: CelNode): number {
  return 1 + partsOf(node).reduce((max, part) => Math.max(max, depthOf(part)), 0);
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

/** The name of an identifier as written in the filter. */
export function nameOf(name: string): string {
  return name === PLACEHOLDER ? 'namespace' : name;
}

/**
 * The grammar reserves `namespace`, which filters need. The parser gets a placeholder of the same length, so that
 * positions stay the same.
 */
const PLACEHOLDER = 'nAmEsPaCe';

function withPlaceholders(text: string): string {
  return text.replace(TOKEN, (token) => (token === 'namespace' ? PLACEHOLDER : durationPlaceholder(token)));
}

/** Strings and comments, which must not be changed, words and durations. */
const TOKEN = /[rR]?(?:"""[^]*?"""|'''[^]*?'''|"(?:\\[^]|[^"\\\n])*"|'(?:\\[^]|[^'\\\n])*')|\/\/[^\n]*|\w+/g;
