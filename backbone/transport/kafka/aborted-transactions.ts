import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** A message of a fetch response, decoded by kafkajs. */
export interface FetchedMessage {
  readonly offset: string;
  readonly key: Uint8Array | null;
  /** Control records are not delivered to consumers but advance the offset. */
  isControlRecord: boolean;
  readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean };
}

/** A partition in a fetch response. */
export interface FetchedPartition {
  /** The aborted transactions of the fetched range, in the order of their ends. */
  abortedTransactions?: readonly AbortedTransaction[] | null;
  readonly messages: readonly FetchedMessage[];
}

interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: string;
}

interface KafkajsBroker {
  fetch: (this: KafkajsBroker, options: unknown) => Promise<FetchResponse>;
}

interface FetchResponse {
  readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[];
}

/**
 * Hides the messages of a partition's aborted transactions, as consumers with read_committed must
 * (https://kafka.apache.org/protocol, Fetch: `aborted_transactions`). Brokers list transactions in the order of their
 * ends, but kafkajs 2.2 expects the order of their beginnings and checks each message against one entry, so that it
 * delivers aborted messages of overlapping transactions. They are hidden before kafkajs filters.
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

/** The key of a control record is its version and its type, 16 bits each; type 0 is an abort, 1 a commit (KIP-98). */
function isAbortMarker({ key }: FetchedMessage): boolean {
  return key?.length === 4 && key[2] === 0 && key[3] === 0;
}

let isInstalled = false;

/** Makes every fetch of kafkajs hide aborted messages; kafkajs has no hook before its own filter. */
export function hideAbortedInFetches(): void {
  if (isInstalled) return;
  isInstalled = true;
  const { prototype } = require('kafkajs/src/broker/index.js') as { prototype: KafkajsBroker };
  const { fetch } = prototype;
  prototype.fetch = async function (options) {
    const response = await fetch.call(this, options);
    for (const { partitions } of response.responses) partitions.forEach(hideAbortedMessages);
    return response;
  };
}
