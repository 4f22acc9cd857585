import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { pcapFile, readPcapFile } from '../builders/pcap.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { capturedRecords } from './captured-records.js';

const CASES = path.join(import.meta.dirname, 'cases');

/** Writes a capture of which only the first bytes of each packet are left, as `tcpdump -s` does. */
async function cut(name: string, snapLength: number): Promise<string> {
  const directory = temporaryDirectory('cut');
  const frames = readPcapFile(await readFile(path.join(CASES, name)));
  await writeFile(path.join(directory, name), pcapFile(frames.map((frame) => ({ ...frame, snapLength }))));
  return directory;
}

it('reads the question and the code of DNS responses that were cut off, and counts all their bytes', async () => {
  const whole = await capturedRecords(CASES, ['dns-udp.pcap']);
  const part = await capturedRecords(await cut('dns-udp.pcap', 80), ['dns-udp.pcap']);
  const told = ({ dns }: typeof whole) =>
    dns.map(({ query_name, rcode, answered, latency_us }) => [query_name, rcode, answered, latency_us]);
  expect(told(part)).toEqual(told(whole));
  expect(part.flows).toEqual(whole.flows);
});

it('counts the packets of connections whose payload was cut off as whole ones', async () => {
  const whole = await capturedRecords(CASES, ['tls-sni.pcap']);
  const part = await capturedRecords(await cut('tls-sni.pcap', 54), ['tls-sni.pcap']);
  expect(part.flows).toEqual(whole.flows.map((flow) => ({ ...flow, tls_server_name: '', dst_domain: '' })));
});
