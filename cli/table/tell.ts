import { printableLines } from './printable.js';

/** Writes a message to standard error; standard output is for results (docs/cli.md). */
export function tell(text: string): void {
  process.stderr.write(`${printableLines(text)}\n`);
}
