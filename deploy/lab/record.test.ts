import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterEach, describe, expect, it } from 'vitest';
import { downLab, upLab } from './lab.js';
import { definitionDirectory } from './paths.js';
import { recordLab } from './record.js';
import { run } from './command/run.js';
import { whyUnavailable } from './unavailable.js';

const reason = whyUnavailable(['ip', 'nft', 'ping', 'ethtool', 'tcpdump']);
if (reason !== undefined) console.log(`The recorder's test is skipped. ${reason}`);

const name = `record${process.pid}`;
/** The link type of "cooked" Linux captures, version 2, in a pcap file's header. */
const linuxSll2 = 276;

afterEach(async () => {
  await downLab(name);
});

describe.skipIf(reason !== undefined)('a recording', () => {
  it("contains only the packets of the pods' interfaces", async () => {
    const directory = temporaryDirectory('lab-recording');
    const lab = await upLab({ name, definition: 'storefront', traffic: true, log: console.error });
    try {
      const recordings = await recordLab(lab, { seconds: 2, directory });
      expect(recordings.map(({ node }) => node)).toEqual(['node-a', 'node-b']);
      for (const [index, { file, packets, dropped }] of recordings.entries()) {
        const lines = (await run(['tcpdump', '-n', '-r', file])).split('\n').filter(Boolean);
        expect(lines.length).toBe(packets);
        expect(packets).toBeGreaterThan(0);
        expect(dropped).toBe(0);
        const indexes = await interfaceIndexes(lab.nodes[index]?.netns ?? '', /^cali/);
        const all = indexes.map((ifindex) => `ifindex ${ifindex}`).join(' or ');
        expect(await run(['tcpdump', '-n', '-r', file, `not (${all})`])).toBe('');
      }
    } finally {
      await lab.down();
    }
  });
});

describe('the recording in the repository', () => {
  it.each(['node-a', 'node-b'])('contains a small capture of %s that names interfaces', async (node) => {
    const capture = await readFile(path.join(definitionDirectory('storefront'), 'recorded', `${node}.pcap`));
    expect(capture.readUInt32LE(20)).toBe(linuxSll2);
    expect(capture.length).toBeGreaterThan(50_000);
    expect(capture.length).toBeLessThan(250_000);
  });
});

async function interfaceIndexes(netns: string, names: RegExp): Promise<number[]> {
  const links = JSON.parse(await run(['ip', '-netns', netns, '-json', 'link'])) as {
    ifindex: number;
    ifname: string;
  }[];
  return links.filter(({ ifname }) => names.test(ifname)).map(({ ifindex }) => ifindex);
}
