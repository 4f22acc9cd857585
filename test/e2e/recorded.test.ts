import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { eventually } from '../eventually.js';
import { SondeProcess } from './sonde-process.js';

describe('sonde up without live traffic', () => {
  let directory: string;
  let sonde: SondeProcess;
  beforeEach(() => {
    directory = temporaryDirectory('recorded');
  });
  afterEach(async () => {
    await sonde.end('SIGKILL');
  });

  it('prints the reason in one sentence and shows the flows of the recorded lab', async () => {
    const args = [
      'up',
      '--lab',
      'storefront',
      '--port',
      '0',
      '--window',
      '500ms',
      '--data',
      path.join(directory, 'data'),
    ];
    sonde = new SondeProcess(args, { FLOWPROBE: '/nowhere/flowprobe' });
    await eventually(() => {
      expect(sonde.output).toMatch(/storefront\/frontend +(service )?storefront\/microservice1 .*delivered/);
      expect(sonde.output).toMatch(/attacker\/attacker +.*unanswered/);
    }, 60_000);
    const [sentence = ''] = sonde.errors.split('\n');
    expect(sentence).toMatch(
      /^Live traffic requires (the probe|root|Linux).*\. Replaying a recording of the lab instead\.$/,
    );

    const response = await fetch(`${sonde.url}/api/v1/flows?filter=src.workload=='frontend'&from=-1m`);
    const { flows } = (await response.json()) as { flows: object[] };
    expect(flows.length).toBeGreaterThan(0);
    expect(await sonde.end('SIGINT')).toBe(0);
  });

  it('says what is wrong with capture files, and shows the flows of the others', async () => {
    const cases = path.join(import.meta.dirname, '../captures/cases');
    const files = [
      import.meta.filename,
      path.join(cases, 'node-a-cut.pcap'),
      path.join(cases, 'node-b-whole.pcap'),
    ];
    const args = ['up', ...files.flatMap((file) => ['--pcap', file]), '--port', '0'];
    sonde = new SondeProcess([...args, '--data', path.join(directory, 'data')]);
    await eventually(() => expect(sonde.errors).toMatch(/All sources have ended/), 60_000);
    expect(sonde.errors).toMatch(/recorded\.test\.ts: byte 0: not a pcap or pcapng file\./);
    expect(sonde.errors).toMatch(
      /node-a-cut\.pcap: byte \d+: the file is cut off inside a packet or block\. The packets before are counted\./,
    );
    const range =
      /node-b-whole\.pcap: 8 packets \(Ethernet\) from (\S+) to (\S+)\. Show their flows: sonde observe --since \1 --until \2 --server (\S+)/;
    expect(sonde.errors).toMatch(range);
    const [, from = '', to = ''] = range.exec(sonde.errors) ?? [];
    const response = await fetch(`${sonde.url}/api/v1/flows?from=${from}&to=${to}`);
    const { flows } = (await response.json()) as { flows: { src_port: number }[] };
    expect(flows.map(({ src_port }) => src_port)).toContain(42_000);
    expect(await sonde.end('SIGINT')).toBe(0);

    sonde = new SondeProcess([
      'up',
      '--pcap',
      files[2] ?? '',
      '--port',
      '0',
      '--data',
      path.join(directory, 'data'),
    ]);
    await eventually(
      () => expect(sonde.errors).toMatch(/node-b-whole\.pcap was read before .* twice/),
      30_000,
    );
  });

  it('reads standard input', async () => {
    const file = path.join(import.meta.dirname, '../captures/cases/node-b-whole.pcap');
    const args = ['up', '--pcap', '-', '--port', '0', '--data', path.join(directory, 'data')];
    sonde = new SondeProcess(args, {}, await readFile(file));
    await eventually(
      () => expect(sonde.errors).toMatch(/standard input: 8 packets \(Ethernet\) from/),
      30_000,
    );
  });
});
