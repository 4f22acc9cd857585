import { spawnSync } from 'node:child_process';
import type { Command } from 'commander';
import { beforeAll, describe, expect, it } from 'vitest';
import { sondeCommand } from '../commands.js';
import { bashScript } from './bash.js';
import { fishScript } from './fish.js';
import { places } from './words.js';
import { zshScript } from './zsh.js';

/** A command line to complete, whose last word is begun, and what is to be offered. */
interface Begun {
  readonly words: readonly string[];
  readonly expected: readonly string[];
}

let sonde: Command;
/** Where nothing is begun yet: commands, values of the first argument, options. */
const atPlaces: Begun[] = [];
/** Where a word is begun, or comes after options and their values. */
const inWords: Begun[] = [
  { words: ['sonde', 'policy', 'a'], expected: ['activity'] },
  { words: ['sonde', 'policy', 'activity', '--output', 'json', '--he'], expected: ['--help'] },
  { words: ['sonde', 'top', '--limit', '3', 'cl'], expected: ['clients'] },
];
/** Where an option whose values are known waits for one. */
const atOptions: Begun[] = [];

beforeAll(async () => {
  sonde = await sondeCommand(['completion']);
  for (const [path, command] of everyCommand(sonde, ['sonde'])) {
    const values = command.registeredArguments[0]?.argChoices ?? [];
    const options = command.options.map(({ long }) => long ?? '');
    const names = command.commands.map((one) => one.name());
    atPlaces.push({ words: [...path, ''], expected: [...names, ...values, ...options, '--help'] });
    for (const { long, short, argChoices } of command.options) {
      for (const form of argChoices ? [long, short] : [])
        if (form !== undefined) atOptions.push({ words: [...path, form, ''], expected: argChoices ?? [] });
    }
  }
  expect(atPlaces.map(({ words }) => words.join(' ').trim())).toEqual(
    expect.arrayContaining([
      'sonde',
      'sonde observe',
      'sonde policy preview',
      'sonde profile use',
      'sonde lab up',
    ]),
  );
});

function everyCommand(command: Command, path: readonly string[]): (readonly [readonly string[], Command])[] {
  const below = command.commands.flatMap((one) => everyCommand(one, [...path, one.name()]));
  return [[path, command], ...below];
}

const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ');
const sorted = (cases: readonly Begun[]) => cases.map(({ expected }) => [...expected].sort());

/**
 * What a shell offers for each of some command lines, if it is installed: a script prints a line for each word, and `++`
 * after each command line.
 */
function offeredBy(shell: string, options: readonly string[], script: string): string[][] | undefined {
  const { error, status, stdout, stderr } = spawnSync(shell, [...options, '-c', script], {
    encoding: 'utf8',
  });
  if (error) {
    console.warn(`skipped: ${shell} cannot be run here (${error.message})`);
    return undefined;
  }
  expect([status, stderr]).toEqual([0, '']);
  return stdout
    .split('++\n')
    .slice(0, -1)
    .map((text) =>
      text
        .split('\n')
        .filter((line) => line !== '')
        .sort(),
    );
}

describe('every place of sonde', () => {
  it('is completed by bash', () => {
    const cases = [...atPlaces, ...atOptions, ...inWords];
    const asked = cases.map(
      ({ words }) =>
        `COMP_WORDS=(${quoted(words)}); COMP_CWORD=${words.length - 1}; _sonde; printf '%s\\n' "\${COMPREPLY[@]}" ++`,
    );
    const told = offeredBy('bash', ['--norc'], [bashScript(places(sonde)), ...asked].join('\n'));
    if (told) expect(told).toEqual(sorted(cases));
  });

  it('is completed by zsh', () => {
    const cases = [...atPlaces, ...atOptions];
    // What zsh's completion system would add to its list is printed in its place.
    const printing = `
      autoload -U compinit; compinit -u -D
      _describe() { eval "local -a list=\${@[-1]}"; (( $#list )) && print -rl -- "\${list[@]%%:*}" }
      compadd() { shift; print -rl -- "$@" }`;
    const asked = cases.map(
      ({ words }) => `words=(${quoted(words)}); CURRENT=${words.length}; _sonde; print -r -- ++`,
    );
    const told = offeredBy('zsh', ['-f'], [printing, zshScript(places(sonde)), ...asked].join('\n'));
    if (told) expect(told).toEqual(sorted(cases));
  });

  it('is completed by fish', () => {
    // Options are offered by fish where a word begins with a dash.
    const plain = atPlaces.map(({ words, expected }) => ({
      ...{ words, expected: expected.filter((word) => !word.startsWith('-')) },
    }));
    const dashed = atPlaces.map(({ words, expected }) => ({
      ...{ words: [...words.slice(0, -1), '--'], expected: expected.filter((word) => word.startsWith('-')) },
    }));
    const cases = [...plain, ...dashed, ...atOptions];
    const asked = cases.map(
      ({ words }) => `complete -C '${words.join(' ')}' | string split -f 1 \\t; echo ++`,
    );
    const told = offeredBy('fish', ['--no-config'], [fishScript(places(sonde)), ...asked].join('\n'));
    if (told) expect(told).toEqual(sorted(cases));
  });
});
