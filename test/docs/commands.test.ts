import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { sondeCommand } from '@sonde/cli/commands';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const docs = path.join(root, 'docs');

const pages = readdirSync(docs, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.md'));

/** The invocations of `sonde` in the code blocks of a page, each as its words without comments, pipes and values. */
function invocations(page: string): string[][] {
  const blocks = readFileSync(path.join(docs, page), 'utf8').matchAll(/^```sh\n(.*?)^```/gms);
  const lines = [...blocks].flatMap(([, block = '']) => block.replaceAll('\\\n', ' ').split('\n'));
  return lines.flatMap((line) =>
    line
      .replace(/\s#.*$/, '')
      .replace(/'[^']*'|"[^"]*"/g, 'VALUE')
      .split(/[|<>]|\$\(/)
      .map((part) => part.trim().split(/\s+/))
      .filter(([program]) => program === 'sonde')
      .map(([, ...words]) => words),
  );
}

/** The words of an invocation that no command or option of `sonde` has. */
async function unknownWords(words: readonly string[]): Promise<string[]> {
  let command: Command = await sondeCommand(words);
  let depth = 0;
  for (const word of words) {
    const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (!next) break;
    command = next;
    depth++;
  }
  if (depth === 0 || command.commands.length > 0) return words.slice(depth, depth + 1);
  // Hidden options are former names, whose use is an error.
  const options = command.options.filter(({ hidden }) => !hidden);
  const flags = new Set(options.flatMap(({ long, short }) => [long, short]));
  return words.filter((word) => word.startsWith('-') && word !== '-' && !flags.has(word.replace(/=.*$/, '')));
}

describe('commands in the docs', () => {
  it.each([
    ['a command', 'watch --lab', 'watch'],
    ['a subcommand', 'policy overview', 'overview'],
    ['an option', 'observe --color-blind deny', '--color-blind'],
    ['the former name of an option', 'observe --from 1h', '--from'],
  ])('are checked: %s that does not exist is found', async (_what, line, word) => {
    expect(await unknownWords(line.split(' '))).toEqual([word]);
  });

  it.each(pages)('exist with their options: %s', async (page) => {
    const unknown = [];
    for (const words of invocations(page)) {
      for (const word of await unknownWords(words)) unknown.push(`sonde ${words.join(' ')}: ${word}`);
    }
    expect(unknown).toEqual([]);
  });
});
