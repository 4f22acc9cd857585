import { ApiError, type ProblemDocument } from '../api/error.js';
import { readEvents } from './server-sent-events.js';
import type { QueryParameters, QueryPort, StreamListener } from '../host/host.js';

/** Pause before a broken stream is opened again, in milliseconds. */
const RECONNECT_MS = 2000;

/**
 * A query port over HTTP.
 * @param base address of the API without a trailing slash; empty for the page's own origin.
 * @param token the bearer token to send, if the user has one; asked before each request.
 */
export function httpQuery(base: string, token: () => string | undefined): QueryPort {
  const send = async (path: string, init: RequestInit): Promise<Response> => {
    const bearer = token();
    const headers = new Headers(init.headers);
    if (bearer !== undefined) headers.set('authorization', `Bearer ${bearer}`);
    const response = await fetch(`${base}${path}`, { ...init, headers });
    if (!response.ok) throw await problemOf(response);
    return response;
  };

  return {
    async get<Answer>(path: string, parameters: QueryParameters, signal?: AbortSignal) {
      const response = await send(withParameters(path, parameters), { ...(signal && { signal }) });
      return (await response.json()) as Answer;
    },
    async post<Answer>(path: string, body: object, signal?: AbortSignal) {
      const response = await send(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        ...(signal && { signal }),
      });
      return (await response.json()) as Answer;
    },
    stream<Row>(path: string, parameters: QueryParameters, listener: StreamListener<Row>) {
      const closed = new AbortController();
      void follow(closed.signal, listener, () =>
        send(withParameters(path, parameters), {
          headers: { accept: 'text/event-stream' },
          signal: closed.signal,
        }),
      );
      return () => closed.abort();
    },
  };
}

async function follow<Row>(
  closed: AbortSignal,
  listener: StreamListener<Row>,
  open: () => Promise<Response>,
): Promise<void> {
  const isClosed = () => closed.aborted;
  while (!isClosed()) {
    try {
      const { body } = await open();
      if (!body) throw new Error('the answer has no body');
      for await (const { event, data } of readEvents(body)) {
        if (event === 'message') listener.onRow(JSON.parse(data) as Row);
        else if (event === 'dropped') listener.onDropped((JSON.parse(data) as { records: number }).records);
      }
    } catch (error) {
      if (isClosed()) return;
      listener.onError(error as Error);
    }
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
  }
}

function withParameters(path: string, parameters: QueryParameters): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) search.set(name, String(value));
  }
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}

async function problemOf(response: Response): Promise<ApiError> {
  const text = await response.text();
  try {
    return new ApiError(response.status, JSON.parse(text) as ProblemDocument);
  } catch {
    const detail = `the server answered ${response.status} ${response.statusText}`;
    return new ApiError(response.status, { type: 'about:blank', title: response.statusText, detail });
  }
}
