import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** A message as kafkajs has decoded it from a fetch. */
export interface FetchedMessage {
  readonly offset: string;
  readonly key: Uint8Array | null;
  /** Control records are never given to consumers, but count for where to go on. */
  isControlRecord: boolean;
  readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean };
}

/** What a fetch answers of a partition. */
export interface FetchedPartition {
  /** The transactions of the fetched range that were aborted, in the order of their ends. */
  abortedTransactions?: readonly AbortedTransaction[] | null;
  readonly messages: readonly FetchedMessage[];
}

interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: string;
}

interface KafkajsBroker {
  fetch: (this: KafkajsBroker, options: unknown) => Promise<FetchAnswer>;
}

interface FetchAnswer {
  readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[];
}

/**
 * Hides the messages of aborted transactions of a partition, as a reader of what is committed must
 * (https://kafka.apache.org/protocol, Fetch: `aborted_transactions`). Brokers list transactions in the order of their
 * ends, while kafkajs 2.2 takes the list to be in the order of their beginnings and of each message looks at one of
 * it: of transactions that overlap, it gives messages that were aborted. So they are hidden before it looks.
 */
export function hideAbortedMessages(partition: FetchedPartition): void {
  const begins = [...(partition.abortedTransactions ?? [])].sort((a, b) =>
    Number(BigInt(a.firstOffset) - BigInt(b.firstOffset)),
  );
  if (begins.length === 0) return;
  const aborting = new Set<string>();
  let next = 0;
  for (const message of partition.messages) {
    const offset = BigInt(message.offset);
    for (let begin = begins[next]; begin && BigInt(begin.firstOffset) <= offset; begin = begins[++next]) {
      aborting.add(begin.producerId);
    }
    const { producerId, inTransaction } = message.batchContext ?? { producerId: '', inTransaction: false };
    if (message.isControlRecord) {
      if (isAbortMarker(message)) aborting.delete(producerId);
    } else if (inTransaction && aborting.has(producerId)) {
      message.isControlRecord = true;
    }
  }
  partition.abortedTransactions = [];
}

/** A control record's key is its version and its type, 16 bits each; type 0 is an abort, 1 a commit (KIP-98). */
function isAbortMarker({ key }: FetchedMessage): boolean {
  return key?.length === 4 && key[2] === 0 && key[3] === 0;
}

let isInstalled = false;

/** Has every fetch of kafkajs hide what was aborted. It has no other place to do it before its own filter. */
export function hideAbortedInFetches(): void {
  if (isInstalled) return;
  isInstalled = true;
  const { prototype } = require('kafkajs/src/broker/index.js') as { prototype: KafkajsBroker };
  const { fetch } = prototype;
  prototype.fetch = async function (options) {
    const answer = await fetch.call(this, options);
    for (const { partitions } of answer.responses) partitions.forEach(hideAbortedMessages);
    return answer;
  };
}
