import { enrichedFlows } from '@sonde/test/builders/enriched-flows';
import { flowFields } from '@sonde/model/flow/fields';
import { expect, it } from 'vitest';
import { accessOf } from '@sonde/query/access/access';
import { blockEvents, type LiveView, viewKey } from './block-events.js';

const block = {
  flows: enrichedFlows([
    { src_kind: 'pod', src_namespace: 'shop', src_name: 'a', dst_port: 80 },
    { src_kind: 'pod', src_namespace: 'blog', src_name: 'b', dst_port: 80 },
  ]),
};

function viewOf(namespaces: 'all' | string[]): LiveView {
  const fields = flowFields.filter(({ name }) => name === 'src_name' || name === 'dst_port');
  return { kind: 'flows', fields, access: accessOf('somebody', [{ rights: ['view'], namespaces }]) };
}

function textsOf(view: LiveView): string[] {
  const shown = blockEvents(block, view, viewKey(view));
  return Array.from({ length: shown?.records.rows ?? 0 }, (_, row) => String(shown?.event(row)));
}

it('serializes each record once for equal subscriptions', () => {
  const [one, other] = [viewOf('all'), viewOf('all')];
  const event = blockEvents(block, one, viewKey(one))?.event(0);
  expect(String(event)).toBe('data: {"dst_port":80,"src_name":"a"}\n\n');
  expect(blockEvents(block, other, viewKey(other))?.event(0)).toBe(event);
});

it('does not share events between clients with different access', () => {
  expect(textsOf(viewOf('all'))).toHaveLength(2);
  expect(textsOf(viewOf(['shop']))).toEqual(['data: {"dst_port":80,"src_name":"a"}\n\n']);
  expect(textsOf(viewOf(['blog']))).toEqual(['data: {"dst_port":80,"src_name":"b"}\n\n']);
});

it('is undefined for a kind that the block has no records of', () => {
  const view = { ...viewOf('all'), kind: 'dns' } as const;
  expect(blockEvents(block, view, viewKey(view))).toBeUndefined();
});
