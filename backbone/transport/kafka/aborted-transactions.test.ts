import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { type FetchedMessage, type FetchedPartition, hideAbortedMessages } from './aborted-transactions.js';

/** The messages that kafkajs delivers from a fetch response. */
const Batch = createRequire(import.meta.url)('kafkajs/src/consumer/batch.js') as new (
  topic: string,
  fetchedOffset: string,
  partition: FetchedPartition,
) => { readonly messages: readonly FetchedMessage[]; lastOffset(): string };

/** A partition from offset 10 on: each letter is a message of the producer with that name, upper case the end of its transaction. */
function partition(
  log: string,
  aborted: readonly [producerId: string, firstOffset: number][],
): FetchedPartition {
  const ends = new Map<string, boolean>();
  const messages = Array.from(log).map((letter, index): FetchedMessage => {
    const producerId = letter.toLowerCase();
    const isControlRecord = letter !== producerId;
    const wasAborted = aborted.some(([producer]) => producer === producerId) && !ends.has(producerId);
    if (isControlRecord) ends.set(producerId, wasAborted);
    return {
      offset: String(10 + index),
      key: isControlRecord ? Buffer.from([0, 0, 0, wasAborted ? 0 : 1]) : Buffer.from(producerId),
      isControlRecord,
      batchContext: { producerId, inTransaction: true },
    };
  });
  const abortedTransactions = aborted.map(([producerId, firstOffset]) => ({
    producerId,
    firstOffset: String(firstOffset),
  }));
  return { abortedTransactions, messages };
}

function given(fetched: FetchedPartition, from = 10): string[] {
  hideAbortedMessages(fetched);
  return new Batch('flows', String(from), fetched).messages.map(({ offset }) => offset);
}

it.each([
  [
    'that end in the order of their beginnings',
    'abAB',
    [
      ['a', 10],
      ['b', 11],
    ],
    [],
  ],
  [
    'that end in another order',
    'abBA',
    [
      ['b', 11],
      ['a', 10],
    ],
    [],
  ],
  [
    'together with one that is committed',
    'acbBCA',
    [
      ['b', 12],
      ['a', 10],
    ],
    ['11'],
  ],
  ['of a producer that does it again, and then commits', 'aAaA', [['a', 10]], ['12']],
] as const)('messages of aborted transactions are hidden: %s', (_what, log, aborted, expected) => {
  expect(
    given(
      partition(
        log,
        aborted.map(([producer, first]) => [producer, first]),
      ),
    ),
  ).toEqual(expected);
});

it('hides messages of transactions that began before the fetched range', () => {
  const fetched = partition('bBA', [
    ['b', 10],
    ['a', 3],
  ]);
  expect(given(fetched)).toEqual([]);
});

it('advances the offset after a fetch of only aborted messages', () => {
  const fetched = partition('aa', [['a', 10]]);
  hideAbortedMessages(fetched);
  const batch = new Batch('flows', '10', fetched);
  expect(batch.messages).toEqual([]);
  expect(batch.lastOffset()).toBe('11');
});
