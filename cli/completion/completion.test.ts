import { spawnSync } from 'node:child_process';
import { Argument, Command, Option } from 'commander';
import { describe, expect, it } from 'vitest';
import { bashScript } from './bash.js';
import { fishScript } from './fish.js';
import { places } from './words.js';
import { zshScript } from './zsh.js';

const sonde = new Command('sonde')
  .addCommand(
    new Command('policy')
      .description("Say what policies' rules say: all of it")
      .addCommand(
        new Command('board').addOption(new Option('-o, --output <format>', 'how').choices(['table', 'json'])),
      )
      .addCommand(new Command('changes').option('--name <name>', 'of one name, for example web')),
  )
  .addCommand(new Command('top').addArgument(new Argument('[what]').choices(['clients', 'servers'])));

/** What a shell says when it runs a script; undefined, with the reason printed, if it is not there. */
function runIn(shell: string, options: readonly string[], script: string): string | undefined {
  const { error, status, stdout, stderr } = spawnSync(shell, [...options, '-c', script], {
    encoding: 'utf8',
  });
  if (error) {
    console.warn(`skipped: ${shell} cannot be run here (${error.message})`);
    return undefined;
  }
  expect([status, stderr]).toEqual([0, '']);
  return stdout;
}

/** What bash offers for the last of some words. */
function offered(...words: readonly string[]): string[] {
  const script = `${bashScript(places(sonde))}
    COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
    _sonde; echo "\${COMPREPLY[@]}"`;
  return (runIn('bash', ['--norc'], script) ?? '').trim().split(' ');
}

describe('completion', () => {
  it('offers commands, then theirs, then options and the values that they can have', () => {
    expect(offered('sonde', '')).toEqual(['policy', 'top', '--help']);
    expect(offered('sonde', 'policy', 'b')).toEqual(['board']);
    expect(offered('sonde', 'policy', 'board', '--')).toEqual(['--output', '--help']);
    expect(offered('sonde', 'policy', 'board', '-o', '')).toEqual(['table', 'json']);
    expect(offered('sonde', 'policy', 'board', '--output', 'json', '--h')).toEqual(['--help']);
    expect(offered('sonde', 'top', 'c')).toEqual(['clients']);
  });

  it('is a script that zsh takes', () => {
    const script = zshScript(places(sonde));
    expect(runIn('zsh', ['-f'], `autoload -U compinit; compinit -u -D; ${script}`) ?? '').toBe('');
  });

  it('is a script by which fish offers the same', () => {
    const script = `${fishScript(places(sonde))}; complete -C 'sonde policy board --output '`;
    const told = runIn('fish', ['--no-config'], script);
    if (told !== undefined) {
      expect(told.split('\n').map((line) => line.split('\t')[0])).toEqual(
        expect.arrayContaining(['json', 'table']),
      );
    }
  });
});
