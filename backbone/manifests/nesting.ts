import { Lexer } from 'yaml';

/** Columns of indentation and brackets within each other that a line may have: of manifests some dozens. */
const MAX_DEPTH = 120;

/** What the lexer gives before a document's first line. */
const DOCUMENT = '\u0002';

/** A YAML text that cannot be read from some line on, whatever stands after it. */
export class UnreadableYamlError extends Error {
  override readonly name = 'UnreadableText';
  constructor(
    message: string,
    /** From 1. */
    readonly line: number,
  ) {
    super(message);
  }
}

/**
 * The lexemes of a YAML text, as long as it nests no deeper than can be parsed. The parser calls itself for each
 * level, and V8 ends the process where a regular expression is compiled on a full stack. Levels are therefore bounded
 * by the lexer, which does not: each takes a bracket, or a column (two may share one).
 * @throws UnreadableText before the first lexeme of a level too many.
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
    // Indicators of block collections stand at the beginning of a line, with nothing but spaces between.
    else if (isLineStart && /^[ ?:-]+$/.test(lexeme)) column += lexeme.length;
    else if (lexeme !== DOCUMENT) isLineStart = false;
    if (brackets + column > MAX_DEPTH) throw new UnreadableYamlError('nests too deep', line);
    yield lexeme;
  }
}
