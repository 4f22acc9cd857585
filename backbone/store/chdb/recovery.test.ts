import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { enrichedDns, type WrittenDnsRow } from '@sonde/test/builders/dns';
import { dnsFields } from '@sonde/model/dns/fields';
import { type FlowRow, enrichedFlows } from '@sonde/test/builders/enriched-flows';
import { flowFields } from '@sonde/model/flow/fields';
import { expect, it } from 'vitest';
import { useTemporaryStore } from '@sonde/test/fixtures/temporary-store';
import { encodeRecords } from '../arrow/encode.js';

const NOON = Date.parse('2026-03-01T12:00:00.000Z');
const NEXT_DAY = NOON + 86_400_000;

const temporary = useTemporaryStore();
const { insert, offsetsInOrder, spooledBlocks } = temporary;

it('inserts a spooled block that the engine did not have before the crash', async () => {
  await temporary.store.close();
  await leaveInSpool([{ start_time: NOON, transport_offset: 3 }]);
  await temporary.open();
  expect(await offsetsInOrder()).toEqual(['3']);
  expect(await spooledBlocks()).toEqual([]);
});

it('does not insert a spooled block twice that the engine had before the crash', async () => {
  const block = [3, 3, 4].map((offset, i) => ({ start_time: NOON + i, transport_offset: offset }));
  await insert(...block);
  await temporary.store.close();
  await leaveInSpool(block);
  await temporary.open();
  expect(await offsetsInOrder()).toEqual(['3', '3', '4']);
});

it('completes a spooled block of which the engine had one day before the crash', async () => {
  const first = { start_time: NOON, transport_offset: 5 };
  const second = { start_time: NEXT_DAY, transport_offset: 5 };
  await insert(first);
  await temporary.store.close();
  await leaveInSpool([first, second, second]);
  await temporary.open();
  expect(await temporary.store.query('SELECT toDate(start_time) AS day FROM flows ORDER BY day')).toEqual([
    { day: '2026-03-01' },
    { day: '2026-03-02' },
    { day: '2026-03-02' },
  ]);
});

it('distinguishes equal offsets of different partitions after a crash', async () => {
  await insert({ start_time: NOON, transport_partition: 1, transport_offset: 5 });
  await temporary.store.close();
  await leaveInSpool([{ start_time: NOON, transport_partition: 2, transport_offset: 5 }]);
  await temporary.open();
  expect(await offsetsInOrder()).toEqual(['5', '5']);
});

it('inserts several spooled blocks in order, and gives later blocks new names', async () => {
  await temporary.store.close();
  await leaveInSpool([{ start_time: NOON, transport_offset: 1 }], { name: '000000000009.block' });
  await leaveInSpool([{ start_time: NOON, transport_offset: 2 }], { name: '000000000010.block' });
  await temporary.open();
  await insert({ start_time: NOON, transport_offset: 3 });
  expect(await offsetsInOrder()).toEqual(['1', '2', '3']);
});

it('removes an incomplete block, whose insert was not confirmed', async () => {
  await temporary.store.close();
  await leaveInSpool([{ start_time: NOON }], { name: '000000000000.partial' });
  await temporary.open();
  expect(await offsetsInOrder()).toEqual([]);
  expect(await spooledBlocks()).toEqual([]);
});

it('completes the lookups of a block independently of its flows', async () => {
  const row = { start_time: NOON, transport_offset: 3 };
  await insert(row, row);
  await temporary.store.close();
  await leaveInSpool([row, row], { dns: [row] });
  await temporary.open();
  expect(await offsetsInOrder()).toEqual(['3', '3']);
  expect(await temporary.store.query('SELECT count() AS lookups FROM dns')).toEqual([{ lookups: '1' }]);
  expect(await spooledBlocks()).toEqual([]);
});

/** Leaves a block in the spool, like a process that is killed during an insert. */
async function leaveInSpool(
  rows: readonly FlowRow[],
  { name = '000000000000.block', dns = [] as readonly WrittenDnsRow[] } = {},
): Promise<void> {
  const block = path.join(temporary.directory, 'spool', name);
  await mkdir(block, { recursive: true });
  await writeFile(path.join(block, 'flows.arrow'), encodeRecords(flowFields, enrichedFlows(rows)));
  if (dns.length > 0)
    await writeFile(path.join(block, 'dns.arrow'), encodeRecords(dnsFields, enrichedDns(dns)));
}
