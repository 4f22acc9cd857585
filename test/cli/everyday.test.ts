import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { sondeCommand } from '@sonde/cli/commands';
import type { Command } from 'commander';
import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type RecordedLabApi, startRecordedLab } from '../fixtures/recorded-lab.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { runCommand } from './run-command.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let lab: RecordedLabApi;
let questions: Map<string, string>;

/** Shortly after the end of the recording, so that commands find it in their default time ranges. */
const NOW = Date.parse('2026-11-21T09:21:40Z');

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: NOW, shouldAdvanceTime: true });
  process.env['XDG_CONFIG_HOME'] = temporaryDirectory('everyday');
  const page = await readFile(path.join(import.meta.dirname, '../../docs/everyday.md'), 'utf8');
  questions = new Map(
    page.split('\n## ').map((section) => {
      const [title = ''] = section.split('\n');
      return [title, /```sh\n(.*)\n```/.exec(section)?.[1] ?? ''];
    }),
  );
  lab = await startRecordedLab();
});

afterAll(async () => {
  vi.useRealTimers();
  await lab.close();
});

/** What the command of each question must print. */
const EXPECTED: Readonly<Record<string, RegExp>> = {
  'Who does a workload try to reach, and which policy denies it?':
    /attacker\/attacker +storefront\/backend +icmp 8\/0 +deny, unanswered .* security\.pci-boundary/,
  'Why does a connection fail?': /: deny\n(.*\n)* +denied by security\.pci-boundary, rule \d+/,
  'Who talks to an external API, and how much?': /^storefront\/microservice2 .*%/m,
  'Is DNS healthy?': /^(NAME +RESPONSE +LOOKUPS +SHARE|No DNS lookups match)/,
  'Which connections retransmit?': /^(SOURCE +DESTINATION +RETRANSMITS|No flows match)/,
  'What changed in the policies?': /GlobalNetworkPolicy\/security\.pci-boundary +baseline/,
  'What if I remove this policy?': /deny → allow/,
  'Which policies would allow only what a namespace needs?': /kind: NetworkPolicy/,
  'How do I load flows into pandas?': /^\xff{4}/,
  'Does Sonde work, and does it lose anything?': /Oldest flow: +2026-.*\nNewest flow: /,
  'Who am I, and what may I see?': /view: +all namespaces/,
  'How do I complete commands in the shell?': /complete -o default -F _sonde sonde/,
  'How do I use it in a pipe?': /^\{.*"action":"deny"/,
};

it.each(Object.entries(EXPECTED))('%s', async (question, expected) => {
  const { output } = await runCommand(await commandOf(question), { width: undefined });
  expect(output).toMatch(expected);
});

it('What did I type wrong?', async () => {
  const command = await commandOf('What did I type wrong?');
  await expect(runCommand(command, { width: undefined })).rejects.toThrow(/did you mean src\.namespace\?/);
});

it('How do I scrape metrics?', async () => {
  const response = await fetch(`${lab.url}/metrics`);
  expect(await response.text()).toMatch(/^# TYPE sonde_probe_lost_packets_total counter$/m);
});

it('exports all flows of a time range to Arrow', async () => {
  const { output } = await runCommand(await commandOf('How do I load flows into pandas?'), {
    width: undefined,
  });
  const table = tableFromIPC(Buffer.from(output, 'latin1'));
  const { output: lines } = await runCommand(
    (await commandOf('How do I load flows into pandas?')).map((word) => (word === 'arrow' ? 'csv' : word)),
    { width: undefined },
  );
  expect(table.numRows).toBe(lines.trimEnd().split('\r\n').length - 1);
  expect(table.getChild('src_namespace')?.toArray()).toContain('storefront');
});

/** The words of a question's command, for the recorded lab. */
async function commandOf(question: string): Promise<string[]> {
  const line = (questions.get(question) ?? '').replace(/ > .*/, '');
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  if (words[0] !== 'sonde') throw new Error(`docs/everyday.md has no command for "${question}"`);
  const options = new Set((await lastCommand(words.slice(1))).options.map(({ long }) => long));
  return [...words.slice(1), ...(options.has('--server') ? ['--server', lab.url] : [])];
}

/** The command that a command line names. */
async function lastCommand(words: readonly string[]): Promise<Command> {
  const [first = '', second = ''] = words;
  const command = (await sondeCommand(words)).commands.find((one) => one.name() === first);
  if (!command) throw new Error(`sonde has no command ${first}`);
  return command.commands.find((one) => one.name() === second) ?? command;
}
