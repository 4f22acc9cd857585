import { observedDns } from '@sonde/test/builders/dns';
import { batchOf } from '@sonde/test/builders/batch';
import { observedFlows } from '@sonde/test/builders/observed-flows';
import { describe, expect, it } from 'vitest';
import { BlockQueue } from './block-queue.js';

const limits = { rows: 10, bytes: 1000, ageMs: 500 };

describe('batches that wait for a block', () => {
  it('are due when the first of them has waited long enough', () => {
    const waiting = new BlockQueue(limits);
    expect(waiting.dueMs()).toBe(Infinity);
    add(waiting, { offset: 0, nowMs: 100 });
    add(waiting, { offset: 1, nowMs: 400 });
    expect(waiting.dueMs()).toBe(600);
  });

  it.each([
    ['rows', { rows: 5, bytes: 1 }],
    ['bytes', { rows: 1, bytes: 500 }],
  ])('are due at once when there are enough %s', (_, size) => {
    const waiting = new BlockQueue(limits);
    add(waiting, { offset: 0, ...size });
    expect(waiting.dueMs()).toBe(500);
    add(waiting, { offset: 1, ...size });
    expect(waiting.dueMs()).toBe(-Infinity);
  });

  it('count lookups as rows', () => {
    const waiting = new BlockQueue(limits);
    const dns = observedDns(Array.from({ length: 10 }, () => ({})));
    waiting.add({ batch: batchOf(observedFlows([]), { dns }), partition: 0, offset: 0 }, 10, 0);
    expect(waiting.dueMs()).toBe(-Infinity);
  });

  it('are taken in order of arrival, as many as fit', () => {
    const waiting = new BlockQueue(limits);
    for (const offset of [0, 1, 2, 3]) add(waiting, { offset, rows: 4 });
    expect(waiting.take().map(({ offset }) => offset)).toEqual([0, 1]);
    expect(waiting.bytes).toBe(20);
    expect(waiting.take().map(({ offset }) => offset)).toEqual([2, 3]);
    expect([waiting.bytes, waiting.dueMs(), waiting.take()]).toEqual([0, Infinity, []]);
  });

  it('are taken one by one if each is larger than a block', () => {
    const waiting = new BlockQueue(limits);
    for (const offset of [0, 1]) add(waiting, { offset, rows: 50 });
    expect([waiting.take().length, waiting.take().length]).toEqual([1, 1]);
  });
});

function add(waiting: BlockQueue, { offset = 0, rows = 1, bytes = 10, nowMs = 0 }): void {
  const flows = observedFlows(Array.from({ length: rows }, () => ({})));
  waiting.add({ batch: batchOf(flows), partition: 0, offset }, bytes, nowMs);
}
