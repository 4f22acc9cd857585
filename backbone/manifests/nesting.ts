import { Lexer } from 'yaml';

/** Maximum sum of indentation columns and open brackets; manifests have some dozens. */
const MAX_DEPTH = 120;

/** The lexeme before a document's first line. */
const DOCUMENT = '\u0002';

/** A YAML text that cannot be read from a line on. */
export class UnreadableYamlError extends Error {
  override readonly name = 'UnreadableYamlError';
  constructor(
    message: string,
    /** From 1. */
    readonly line: number,
  ) {
    super(message);
  }
}

/**
 * The lexemes of a YAML text with bounded nesting. The parser is recursive, and V8 aborts the process if a regular
 * expression is compiled on a full stack. The lexer is not recursive, so levels are bounded here: each needs a
 * bracket or a column (two may share one).
 * @throws UnreadableYamlError before the first lexeme that nests too deep.
 */
export function* tokenize(text: string): Generator<string> {
  let line = 1;
  let column = 0;
  let brackets = 0;
  let isLineStart = true;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme.includes('\n')) {
      line += lexeme.split('\n').length - 1;
      column = 0;
      isLineStart = true;
    } else if (lexeme === '[' || lexeme === '{') brackets += 1;
    else if (lexeme === ']' || lexeme === '}') brackets -= 1;
    // Indicators of block collections are at the start of a line, separated by spaces only.
    else if (isLineStart && /^[ ?:-]+$/.test(lexeme)) column += lexeme.length;
    else if (lexeme !== DOCUMENT) isLineStart = false;
    if (brackets + column > MAX_DEPTH) throw new UnreadableYamlError('nests too deep', line);
    yield lexeme;
  }
}
