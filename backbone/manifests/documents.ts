import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { Composer, type Document, type LineCounter, Parser } from 'yaml';
import { tokenize, UnreadableYamlError } from './nesting.js';

/** Limits of reading a text. */
export interface Bounds {
  /** Maximum number of lexemes of a document (a list item has about four), and of values with expanded aliases. */
  readonly maxTokens: number;
  /** Aborts the reading with its reason. */
  readonly signal?: AbortSignal;
}

/** Lexemes that are read before yielding to the event loop. */
const TOKENS_PER_YIELD = 10_000;

/**
 * The documents of a YAML text. Yields to the event loop while it reads; a document is composed at once. Line starts
 * are added to `lines`. Duplicate keys are not detected here: the parser would compare all keys with all.
 * @throws UnreadableYamlError if a document nests too deep or is too large, after the documents before it.
 */
export async function* documentsOf(
  text: string,
  lines: LineCounter,
  { maxTokens, signal }: Bounds,
): AsyncGenerator<Document.Parsed> {
  const parser = new Parser(lines.addNewLine);
  // Warnings are in the document; the composer need not print them.
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
        await yieldToEventLoop();
        signal?.throwIfAborted();
        tokensSinceYield = 0;
      }
    }
  } catch (error) {
    // The composer returns a document when the next one begins.
    if (error instanceof UnreadableYamlError) yield* composer.end();
    throw error;
  }
  for (const token of parser.end()) yield* composer.next(token);
  yield* composer.end(true, text.length);
}
