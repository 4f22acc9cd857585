import http from 'node:http';
import https from 'node:https';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { connectionError } from './connection-error.js';
import type { Credentials } from './credentials.js';

/** One page of a list (Kubernetes API concepts, "Retrieving large results sets in chunks"). */
export interface ListPage {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
  /** Objects as the API server gives them: without `apiVersion` and `kind`. */
  readonly items: readonly KubernetesObject[];
}

/** One line of a watch (Kubernetes API concepts, "Efficient detection of changes"). */
export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: WatchedObject }
  | { readonly type: 'ERROR'; readonly object: { readonly code?: number; readonly message?: string } };

export type WatchedObject = KubernetesObject & { readonly metadata: { readonly resourceVersion?: string } };

/** The API server answered with an error; `status` is HTTP's. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** A Kubernetes API server. */
export interface ApiServer {
  /**
   * Reads one page of a list.
   * @throws ApiError; Error if the connection fails.
   */
  list(path: string, query: Readonly<Record<string, string>>, signal: AbortSignal): Promise<ListPage>;

  /**
   * Watches from a resource version on until the server ends the stream.
   * @throws ApiError; Error if the connection fails or what comes is no JSON.
   */
  watch(
    path: string,
    query: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent>;
}

/** How long a server may send nothing at all: well above the minute between two bookmarks. */
const SILENCE_MS = 150_000;

/** What says only that an object is there, where that is enough; other servers send the whole object. */
const METADATA = {
  list: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
  watch: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json',
};

/** Speaks to the API server that credentials are for, asking for whole objects or what says that they are there. */
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
    const { server } = credentials;
    const url = new URL(server + path);
    url.search = new URLSearchParams(query).toString();
    const options = { headers: { accept: accepted }, signal, timeout: SILENCE_MS };
    const config = await credentials.apply(options);
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      const { get: request } = url.protocol === 'http:' ? http : https;
      const sent = request(url, options, resolve);
      sent.on('error', (error) => reject(connectionError(server, error)));
      sent.on('timeout', () => sent.destroy(new Error(`the API server was silent for ${SILENCE_MS} ms`)));
    });
    const { statusCode = 0 } = response;
    if (statusCode === 200) return response;
    if (statusCode === 401) credentials.refused(config);
    const body = await text(response);
    throw new ApiError(statusCode, `GET ${path}: ${statusCode} ${messageOf(body)}`);
  }

  return {
    async list(path, query, signal) {
      const body = await text(await get(path, query, accept.list, signal));
      return JSON.parse(body) as ListPage;
    },

    async *watch(path, query, signal) {
      const response = await get(path, { ...query, watch: 'true' }, accept.watch, signal);
      // A broken connection surfaces here; the reader of lines would only see an end.
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

/** The message of a `Status`, else the beginning of what came instead. */
function messageOf(body: string): string {
  try {
    const status = JSON.parse(body) as { message?: unknown };
    if (typeof status.message === 'string') return status.message;
  } catch {
    // A proxy on the way answers in a form of its own, which is shown as it is.
  }
  return body.slice(0, 200);
}
