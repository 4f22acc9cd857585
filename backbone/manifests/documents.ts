import { setImmediate as breath } from 'node:timers/promises';
import { Composer, type Document, type LineCounter, Parser } from 'yaml';
import { tokenize, UnreadableYamlError } from './nesting.js';

/** Bounds of the work that a text may make. */
export interface Bounds {
  /** Lexemes that a document may have (of which a value in a list has about four), and values that it may stand for. */
  readonly maxTokens: number;
  /** Ends the reading, with its reason, between two parts of a text. */
  readonly signal?: AbortSignal;
}

/** Lexemes that are read in one go, before others have their turn. */
const TOKENS_PER_YIELD = 10_000;

/**
 * The documents of a YAML text, with a turn for others after each some thousands of lexemes; a document is put
 * together in one go. Lines go to `lines`. Keys that occur twice are not looked for: the parser compares all with all.
 * @throws UnreadableText if a document nests too deep or is too large; those before it were given.
 */
export async function* documentsOf(
  text: string,
  lines: LineCounter,
  { maxTokens, signal }: Bounds,
): AsyncGenerator<Document.Parsed> {
  const parser = new Parser(lines.addNewLine);
  // What the composer would warn of on standard error stands in the document.
  const composer = new Composer({ uniqueKeys: false, logLevel: 'error' });
  lines.addNewLine(0);
  let inDocument = 0;
  let tokensSinceYield = 0;
  try {
    for (const lexeme of tokenize(text)) {
      for (const token of parser.next(lexeme)) {
        if (token.type === 'document') inDocument = 0;
        yield* composer.next(token);
      }
      if (++inDocument > maxTokens) {
        throw new UnreadableYamlError(
          'the document is too large: give its objects as several',
          lines.lineStarts.length,
        );
      }
      if (++tokensSinceYield === TOKENS_PER_YIELD) {
        await breath();
        signal?.throwIfAborted();
        tokensSinceYield = 0;
      }
    }
  } catch (error) {
    // The composer holds a document back until the next one begins.
    if (error instanceof UnreadableYamlError) yield* composer.end();
    throw error;
  }
  for (const token of parser.end()) yield* composer.next(token);
  yield* composer.end(true, text.length);
}
