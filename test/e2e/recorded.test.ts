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
    }, 30_000);
    const [sentence = ''] = sonde.errors.split('\n');
    expect(sentence).toMatch(
      /^Live traffic requires (the probe|root|Linux).*\. Replaying a recording of the lab instead\.$/,
    );

    const response = await fetch(`${sonde.url}/api/v1/flows?filter=src.workload=='frontend'&from=-1m`);
    const { flows } = (await response.json()) as { flows: object[] };
    expect(flows.length).toBeGreaterThan(0);
    expect(await sonde.end('SIGINT')).toBe(0);
  });

  it('reports what is wrong with a pcap file, and at which position', async () => {
    sonde = new SondeProcess([
      'up',
      '--pcap',
      import.meta.filename,
      '--port',
      '0',
      '--data',
      path.join(directory, 'data'),
    ]);
    expect(await sonde.exitCode()).toBe(1);
    expect(sonde.errors).toMatch(/recorded\.test\.ts, byte \d+: not a pcap or pcapng file/);
  });
});
