import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from '../client/api-client.js';
import { ClientError, EXIT } from '../client/errors.js';
import { serverSentEvents } from './event-stream.js';
import type { RecordKind, RowOfKind } from '../client/records.js';

export interface LiveRequest {
  readonly filter: string;
  readonly fields: string;
  readonly signal: AbortSignal;
  /** Told what was left out, because more came than could be kept up with. */
  readonly onDropped: (leftOut: LeftOut) => void;
  /** Told that the server went away; it is asked again. */
  readonly onLost: (reason: string) => void;
  /** Told that records come again, and when none could: those stored meanwhile are not among them. */
  readonly onGap: (gap: Gap) => void;
}

/** The time between what was last heard of a stream and the beginning of the next, in ms since 1970. */
export interface Gap {
  readonly fromMs: number;
  readonly toMs: number;
}

/** How many records were left out, and whether there were more of which nobody knows whether they would have passed. */
export interface LeftOut {
  readonly records: number;
  readonly more: boolean;
}

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;
/** A stream that ends sooner is not one that ended because it had lasted long enough. */
const SHORT_STREAM_MS = 1000;

/**
 * Records as they come to the store, until the signal. A stream that ends, as they do now and then, is opened again.
 * @throws ClientError if the server refuses.
 */
export async function* liveRecords<Kind extends RecordKind>(
  client: ApiClient,
  kind: Kind,
  request: LiveRequest,
): AsyncGenerator<Partial<RowOfKind[Kind]>> {
  const { filter, fields, signal } = request;
  const query = new URLSearchParams({ filter, fields }).toString();
  let endedMs: number | undefined;
  // Read again each time: the compiler takes a property for what it was before waiting.
  const isOver = () => signal.aborted;
  for (let retryMs = FIRST_RETRY_MS; !isOver();) {
    let openedMs: number | undefined;
    let heardMs: number | undefined;
    try {
      const response = await client.request(`${kind}/live?${query}`, { signal }, filter);
      openedMs = Date.now();
      if (endedMs !== undefined) request.onGap({ fromMs: endedMs, toMs: openedMs });
      const body = response.body?.pipeThrough(told(() => (heardMs = Date.now())));
      if (body) yield* recordsOf<Partial<RowOfKind[Kind]>>(body, request);
      heardMs = Date.now();
    } catch (error) {
      // A stream that breaks is one that ends: only a server that never answered, or refuses, is an error.
      if (isOver()) return;
      const isKnown = openedMs !== undefined || endedMs !== undefined;
      if (error instanceof ClientError && !(isKnown && isPassing(error))) throw error;
      request.onLost(error instanceof Error ? error.message : String(error));
    }
    const hasLasted = openedMs !== undefined && Date.now() - openedMs >= SHORT_STREAM_MS;
    endedMs = heardMs ?? openedMs ?? endedMs;
    if (hasLasted) retryMs = FIRST_RETRY_MS;
    else {
      await delay(retryMs, undefined, { signal }).catch(() => undefined);
      retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
    }
  }
}

function isPassing({ exitCode }: ClientError): boolean {
  return exitCode === EXIT.unreachable || exitCode === EXIT.failed;
}

/** Passes chunks on and tells of each. */
function told(onChunk: () => void): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(chunk, controller) {
      onChunk();
      controller.enqueue(chunk);
    },
  });
}

async function* recordsOf<Row>(
  body: ReadableStream<Uint8Array>,
  { onDropped }: LiveRequest,
): AsyncGenerator<Row> {
  for await (const { name, data } of serverSentEvents(body)) {
    if (name === '') yield JSON.parse(data) as Row;
    if (name === 'dropped') onDropped(JSON.parse(data) as LeftOut);
  }
}
