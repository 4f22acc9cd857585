import { readFileSync } from 'node:fs';

/** The version of this command. */
export function clientVersion(): string {
  const file = new URL(import.meta.resolve('@sonde/cli/package.json'));
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
