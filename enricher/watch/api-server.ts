import http from 'node:http';
import https from 'node:https';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { connectionError } from '@sonde/backbone/kubernetes/connection-error';
import type { Credentials } from '@sonde/backbone/kubernetes/credentials';

/** One page of a list (Kubernetes API concepts, "Retrieving large results sets in chunks"). */
export interface ListPage {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
  /** Objects without `apiVersion` and `kind`, which lists omit. */
  readonly items: readonly KubernetesObject[];
}

/** One line of a watch (Kubernetes API concepts, "Efficient detection of changes"). */
export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: WatchedObject }
  | { readonly type: 'ERROR'; readonly object: { readonly code?: number; readonly message?: string } };

export type WatchedObject = KubernetesObject & { readonly metadata: { readonly resourceVersion?: string } };

/** An error response of the API server. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** `status` is the HTTP status; `retryAfterMs` is set if the response has `Retry-After`. */
  constructor(
    readonly status: number,
    message: string,
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

/** A Kubernetes API server. Every request can throw `ApiError`, or `Error` if the connection fails. */
export interface ApiServer {
  /** Reads one page of a list. */
  list(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<ListPage>;

  /** Watches from a resource version on until the server ends the stream. */
  watch(
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent>;

  /** The names of the resources of a group version, for example of `/apis/apps/v1`; undefined if it is not served. */
  resources(path: string, signal: AbortSignal): Promise<ReadonlySet<string> | undefined>;
}

/** Timeout of a silent connection: well above the minute between two bookmarks. */
const SILENCE_MS = 150_000;

/** Requests objects without `spec` and `status`; servers that do not support it send whole objects. */
const METADATA = {
  list: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
  watch: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json',
};

/** Connects to the API server of the credentials; requests whole objects or only their metadata. */
export function connectApiServer(
  credentials: Credentials,
  whole: 'objects' | 'metadata' = 'objects',
): ApiServer {
  const accept = whole === 'objects' ? { list: 'application/json', watch: 'application/json' } : METADATA;

  async function get(
    path: string,
    query: Readonly<Record<string, string>>,
    accepted: string,
    signal: AbortSignal,
  ): Promise<http.IncomingMessage> {
    const options = { headers: { accept: accepted }, signal, timeout: SILENCE_MS };
    const applied = await credentials.apply(options);
    const { server } = applied;
    const url = new URL(server + path);
    url.search = new URLSearchParams(query).toString();
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      const { get: request } = url.protocol === 'http:' ? http : https;
      const sent = request(url, options, resolve);
      sent.on('error', (error) => {
        if (!signal.aborted) credentials.connectionFailed(applied);
        reject(connectionError(server, error));
      });
      sent.on('timeout', () => sent.destroy(new Error(`the API server was silent for ${SILENCE_MS} ms`)));
    });
    const { statusCode = 0, headers } = response;
    if (statusCode === 200) return response;
    if (statusCode === 401) credentials.rejected(applied);
    const body = await text(response);
    const message = `GET ${path}: ${statusCode} ${messageOf(body)}`;
    throw new ApiError(statusCode, message, retryAfterMs(headers['retry-after']));
  }

  return {
    async list(path, query, signal) {
      const body = await text(await get(path, query, accept.list, signal));
      const { metadata, items } = JSON.parse(body) as Partial<ListPage> & {
        items?: ListPage['items'] | null;
      };
      // The items of an empty PartialObjectMetadataList are null.
      return { metadata: metadata ?? {}, items: items ?? [] };
    },

    async resources(path, signal) {
      try {
        const body = await text(await get(path, {}, 'application/json', signal));
        const { resources } = JSON.parse(body) as { resources?: readonly { readonly name: string }[] | null };
        return new Set((resources ?? []).map(({ name }) => name));
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return undefined;
        throw error;
      }
    },

    async *watch(path, query, signal) {
      const response = await get(path, { ...query, watch: 'true' }, accept.watch, signal);
      // For the line reader, a broken connection is the same as the end of the stream.
      let broken: Error | undefined;
      response.on('error', (error) => (broken = error));
      try {
        for await (const line of createInterface(response)) {
          if (line !== '') yield JSON.parse(line) as WatchEvent;
        }
      } finally {
        response.destroy();
      }
      if (broken) throw broken;
    },
  };
}

/** The message of a `Status` object, or the beginning of another body. */
function messageOf(body: string): string {
  try {
    const status = JSON.parse(body) as { message?: unknown };
    if (typeof status.message === 'string') return status.message;
  } catch {
    // Proxies respond in formats of their own.
  }
  return body.slice(0, 200);
}

/** The value of `Retry-After` in ms: seconds or a date (RFC 9110, 10.2.3); undefined if it is absent or neither. */
function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
