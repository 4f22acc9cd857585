import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import { Readiness } from '@sonde/backbone/metrics/readiness';
import { readConfiguration } from '@sonde/backbone/configuration/read';
import { countersPayload, frame } from '@sonde/test/builders/probe-frames';
import { eventually } from '@sonde/test/eventually';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { Registry } from 'prom-client';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { collectorService } from './service.js';

const [COUNTERS, INTERFACES] = [3, 4];

describe('the collector service', () => {
  it('is ready only when its probe counts packets', async () => {
    const directory = temporaryDirectory('collector');
    const attached = path.join(directory, 'attached');
    fakeFlowprobe(directory, attached);
    const readiness = new Readiness();
    const configuration = readConfiguration(collectorService.options, {
      file: undefined,
      environment: {},
      flags: {
        cluster: 'test',
        interfaces: 'cali*',
        // Nobody listens there: batches wait in the spool.
        'kafka-brokers': '127.0.0.1:1',
        'spool-directory': path.join(directory, 'spool'),
        'drain-timeout': '0s',
      },
    });
    const log = createLogger('test', 'silent');
    const service = await collectorService.start({ configuration, log, registry: new Registry(), readiness });
    onTestFinished(() => service.stop());
    const waiting = 'probe: flowprobe is not attached to network interfaces yet';
    expect(await readiness.problems()).toContain(waiting);
    writeFileSync(attached, '');
    await eventually(async () => expect(await readiness.problems()).not.toContain(waiting));
  });
});

/** A flowprobe that attaches, and so sends its first frames, when the file `attached` exists. */
function fakeFlowprobe(directory: string, attached: string): void {
  const frames = path.join(directory, 'frames');
  writeFileSync(
    frames,
    Buffer.concat([frame(INTERFACES, Buffer.alloc(4), 0), frame(COUNTERS, countersPayload(0), 1)]),
  );
  const program = path.join(directory, 'flowprobe');
  const script = `#!/bin/sh\nwhile [ ! -e '${attached}' ]; do sleep 0.05; done\ncat '${frames}'\nexec sleep 600\n`;
  writeFileSync(program, script);
  chmodSync(program, 0o755);
  vi.stubEnv('FLOWPROBE', program);
}
