import { dnsFields } from '@sonde/model/dns/fields';
import { flowFields } from '@sonde/model/flow/fields';
import { recordRow } from '@sonde/model/record/rows';
import { batchOfManyKinds } from '@sonde/test/builders/wire-message';
import { decodeBatch } from '@sonde/model/batch/wire/decode';
import { encodeBatch } from '@sonde/model/batch/wire/encode';
import { expect, it } from 'vitest';
import { BlockMemories } from './block-memories.js';
import { contextFromObjects } from './context.js';
import { enrich } from './enrich.js';
import { enrichDns } from './enrich-dns.js';

/** What an enricher makes of two messages in some memory, which it leaves full of ones. */
function enrichedIn(memories: BlockMemories) {
  const { context } = contextFromObjects([]);
  const batch = decodeBatch(encodeBatch(batchOfManyKinds()));
  const delivered = [0, 1].map((offset) => ({ batch, partition: 1, offset }));
  const memory = memories.take();
  const dns = enrichDns(delivered, context, memory);
  const flows = enrich(delivered, context, memory);
  const rows = [
    ...Array.from({ length: flows.rows }, (_, row) => recordRow(flowFields, flows.columns, row)),
    ...Array.from({ length: dns.rows }, (_, row) => recordRow(dnsFields, dns.columns, row)),
  ];
  new Uint8Array(flows.columns.start_time.buffer).fill(255);
  memories.giveBack(memory);
  return rows;
}

it('memory that held another block makes no difference to the next', () => {
  const memories = new BlockMemories(true);
  const first = enrichedIn(memories);
  expect(enrichedIn(memories)).toEqual(first);
  expect(enrichedIn(new BlockMemories(false))).toEqual(first);
});
