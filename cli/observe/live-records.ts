import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from '../client/api-client.js';
import { ClientError, EXIT } from '../client/errors.js';
import { serverSentEvents } from './event-stream.js';
import type { RecordKind, RowOfKind } from '../client/records.js';

export interface LiveRequest {
  readonly filter: string;
  readonly fields: string;
  readonly signal: AbortSignal;
  /** Called when the server dropped records because they arrived faster than they could be sent. */
  readonly onDropped: (dropped: DroppedRecords) => void;
  /** Called when the connection was lost, before reconnecting. */
  readonly onLost: (reason: string) => void;
  /** Called after a reconnect; records stored in the gap are not streamed. */
  readonly onGap: (gap: Gap) => void;
}

/** The time between the last data of a stream and the start of the next, in ms since 1970. */
export interface Gap {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Number of matching records that were dropped; `more` if others were dropped before they were filtered. */
export interface DroppedRecords {
  readonly records: number;
  readonly more: boolean;
}

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;
/** A stream that ends sooner failed; servers end streams after minutes. */
const SHORT_STREAM_MS = 1000;

/**
 * Streams records as they are stored, until the signal aborts. Reopens streams that end.
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
  // A function, because the compiler assumes that the property does not change while waiting.
  const isAborted = () => signal.aborted;
  for (let retryMs = FIRST_RETRY_MS; !isAborted();) {
    let openedMs: number | undefined;
    let receivedMs: number | undefined;
    try {
      const response = await client.request(`${kind}/live?${query}`, { signal });
      openedMs = Date.now();
      if (endedMs !== undefined) request.onGap({ fromMs: endedMs, toMs: openedMs });
      const body = response.body?.pipeThrough(observed(() => (receivedMs = Date.now())));
      if (body) yield* recordsOf<Partial<RowOfKind[Kind]>>(body, request);
      receivedMs = Date.now();
    } catch (error) {
      // A stream that breaks is reopened; only a server that never responded, or rejects the request, is an error.
      if (isAborted()) return;
      const wasOpen = openedMs !== undefined || endedMs !== undefined;
      if (error instanceof ClientError && !(wasOpen && isTemporary(error))) throw error;
      request.onLost(error instanceof Error ? error.message : String(error));
    }
    const hasLasted = openedMs !== undefined && Date.now() - openedMs >= SHORT_STREAM_MS;
    endedMs = receivedMs ?? openedMs ?? endedMs;
    if (hasLasted) retryMs = FIRST_RETRY_MS;
    else {
      await delay(retryMs, undefined, { signal }).catch(() => undefined);
      retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
    }
  }
}

function isTemporary({ exitCode }: ClientError): boolean {
  return exitCode === EXIT.unreachable || exitCode === EXIT.failed;
}

/** Passes chunks through and calls back for each. */
function observed(onChunk: () => void): TransformStream<Uint8Array, Uint8Array> {
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
    if (name === 'dropped') onDropped(JSON.parse(data) as DroppedRecords);
  }
}
