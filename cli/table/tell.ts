import { printableLines } from './printable.js';

/** Writes to standard error, where everything goes that is no answer (docs/cli.md). */
export function tell(text: string): void {
  process.stderr.write(`${printableLines(text)}\n`);
}
