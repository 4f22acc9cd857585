import { enrichedDns } from '@sonde/test/builders/dns';
import { enrichedFlows } from '@sonde/test/builders/enriched-flows';
import { flowRow } from '@sonde/model/flow/records';
import { expect, it } from 'vitest';
import { createLocalFeed, type LiveBlock } from './feed.js';

it('publishes copies that stay valid when the memory of the block is reused', () => {
  const feed = createLocalFeed();
  const blocks: LiveBlock[] = [];
  feed.subscribe((block) => blocks.push(block));
  const [first, second] = [{ src_name: 'first', src_ip: '10.0.0.1', bytes_out: 7, primary: true }, {}];
  const flows = enrichedFlows([first, second]);
  const before = flowRow(flows.columns, 0);
  const dns = enrichedDns([{ query_name: 'a.test' }, { query_name: 'b.test' }]);
  const names = [...dns.columns.query_name.indexes];
  feed.publish({ flows, dns, omitted: { flows: 1, dns: 2 } });
  const { src_name, src_ip, bytes_out, primary } = flows.columns;
  for (const column of [src_name.indexes, src_ip, primary]) column.copyWithin(0, column.length / 2);
  bytes_out.fill(0n);
  dns.columns.query_name.indexes.fill(names[1] ?? 0);
  const [block] = blocks;
  expect(block?.flows && flowRow(block.flows.columns, 0)).toEqual(before);
  expect([...(block?.dns?.columns.query_name.indexes ?? [])]).toEqual(names);
  expect(block?.omitted).toEqual({ flows: 1, dns: 2 });
});

it('calls back each subscriber until it unsubscribes', () => {
  const feed = createLocalFeed();
  const heard: string[] = [];
  const stops = ['one', 'other'].map((name) => feed.subscribe(() => heard.push(name)));
  feed.publish({});
  stops[0]?.();
  feed.publish({});
  expect(heard).toEqual(['one', 'other', 'other']);
});
