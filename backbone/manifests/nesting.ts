import { Lexer } from 'yaml';

/** Columns of indentation and brackets within each other that a line may have: of manifests some dozens. */
const DEEPEST = 120;

/** What the lexer gives before a document's first line. */
const DOCUMENT = '\u0002';

/**
 * The first line (from 1) of a YAML text that nests too deep to be parsed; undefined if none does. The parser calls
 * itself for each level, and V8 ends the process where a regular expression is compiled on a full stack. Levels are
 * therefore bounded by the lexer, which does not: each takes a bracket, or a column (two may share one).
 */
export function deepLine(text: string): number | undefined {
  let line = 1;
  let column = 0;
  let brackets = 0;
  let isLineStart = true;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme.includes('\n')) {
      line += lexeme.split('\n').length - 1;
      column = 0;
      isLineStart = true;
      continue;
    }
    if (lexeme === '[' || lexeme === '{') brackets += 1;
    else if (lexeme === ']' || lexeme === '}') brackets -= 1;
    // Indicators of block collections stand at the beginning of a line, with nothing but spaces between.
    else if (isLineStart && /^[ ?:-]+$/.test(lexeme)) column += lexeme.length;
    else if (lexeme !== DOCUMENT) isLineStart = false;
    if (brackets + column > DEEPEST) return line;
  }
  return undefined;
}
