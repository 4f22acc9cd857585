import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TlsOptions, TLSSocket } from 'node:tls';
import { collectionPath, WATCHED_RESOURCES } from '@sonde/enricher/watch/resources';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { answerWrite } from './fake-writes.js';

type Stored = KubernetesObject & { metadata: { resourceVersion: string } };

interface Change {
  readonly version: number;
  readonly line: string;
}

interface Collection {
  readonly objects: Map<string, Stored>;
  /** The changes that a watch can still resume from. */
  changes: Change[];
  /** Watches from before this version are told 410 Gone. */
  oldest: number;
  readonly watchers: Set<ServerResponse>;
}

/** The collections of every API server; those of custom resources come when they are installed. */
export const BUILT_IN_PATHS: readonly string[] = WATCHED_RESOURCES.flatMap(({ versions, plural }) =>
  versions
    .filter((version) => !/calico|cilium|antrea|ovn/.test(version))
    .map((version) => collectionPath(version, plural)),
);

/**
 * A fake of the Kubernetes API server at the edge of its protocol: lists with pages, watches with bookmarks, versions
 * that expire, connections that break, tokens that are refused. What is put into it, it serves; it evaluates nothing.
 */
export class FakeApiServer {
  readonly #server: Server;
  readonly #scheme: 'http' | 'https';
  readonly #needsCertificate: boolean;
  readonly #collections = new Map<string, Collection>();
  #version = 1;
  #away = false;
  /** The only bearer token that is accepted; undefined accepts all. */
  token: string | undefined;
  /** Requests that were answered, by what they were. */
  readonly requests = { lists: 0, watches: 0, gone: 0, unauthorized: 0 };

  /**
   * Serves the collections at these paths, such as `/api/v1/pods`; others are not found. Over HTTPS with `tls`,
   * and with a `ca` in it only to clients with a certificate of that authority.
   */
  constructor(paths: readonly string[], tls?: TlsOptions) {
    const answer = (request: IncomingMessage, response: ServerResponse) =>
      void this.#answer(request, response);
    this.#scheme = tls ? 'https' : 'http';
    this.#needsCertificate = tls?.ca !== undefined;
    // As the API server, which answers whoever has none, or a strange one, by 401.
    const asking = { requestCert: true, rejectUnauthorized: false };
    this.#server = tls ? createSecureServer({ ...asking, ...tls }, answer) : createServer(answer);
    for (const path of paths) this.serve(path);
  }

  /** Begins to serve a collection, as when a custom resource definition is installed. */
  serve(path: string): void {
    this.#collections.set(path, { objects: new Map(), changes: [], oldest: 0, watchers: new Set() });
  }

  /** Whether a collection is served. */
  serves(path: string): boolean {
    return this.#collections.has(path);
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    this.disconnect();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Where the server answers. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `${this.#scheme}://127.0.0.1:${port}`;
  }

  put(path: string, object: KubernetesObject): void {
    const collection = this.#collection(path);
    const key = keyOf(object);
    const stored = this.#versioned(object);
    this.#change(collection, collection.objects.has(key) ? 'MODIFIED' : 'ADDED', stored);
    collection.objects.set(key, stored);
  }

  /** An object by its namespace (empty for none), a slash, and its name. */
  get(path: string, key: string): KubernetesObject | undefined {
    return this.#collection(path).objects.get(key);
  }

  delete(path: string, object: KubernetesObject): void {
    const collection = this.#collection(path);
    collection.objects.delete(keyOf(object));
    this.#change(collection, 'DELETED', this.#versioned(object));
  }

  /** Breaks all watches off, as a restart of the server does; the next request finds it again. */
  disconnect(): void {
    for (const { watchers } of this.#collections.values()) {
      for (const watcher of watchers) watcher.destroy();
      watchers.clear();
    }
  }

  /** Is away until {@link resume}: watches break off, and requests are answered 503. */
  hang(): void {
    this.#away = true;
    this.disconnect();
  }

  resume(): void {
    this.#away = false;
  }

  /** Forgets the changes so far, so that watches that broke off before cannot be resumed. */
  compact(): void {
    for (const collection of this.#collections.values()) {
      collection.changes = [];
      collection.oldest = this.#version;
    }
  }

  /** Tells all watches the present version. */
  bookmark(): void {
    for (const { watchers } of this.#collections.values()) {
      const object = { metadata: { resourceVersion: String(this.#version) } };
      for (const watcher of watchers) write(watcher, `${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
    }
  }

  #collection(path: string): Collection {
    const collection = this.#collections.get(path);
    if (!collection) throw new Error(`the fake serves no ${path}`);
    return collection;
  }

  #versioned(object: KubernetesObject): Stored {
    this.#version++;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
  }

  #change(collection: Collection, type: string, object: Stored): void {
    const line = `${JSON.stringify({ type, object })}\n`;
    collection.changes.push({ version: this.#version, line });
    for (const watcher of collection.watchers) write(watcher, line);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake');
    const { searchParams } = url;
    const collection = this.#collections.get(url.pathname);
    if (this.#away) fail(response, 503, 'the server is starting');
    else if (!this.#knows(request)) {
      this.requests.unauthorized++;
      fail(response, 401, 'Unauthorized');
    } else if (await answerWrite(this, request, response)) return;
    else if (!collection) fail(response, 404, 'the server could not find the requested resource');
    else if (searchParams.get('watch') === 'true') this.#watch(collection, searchParams, response);
    else this.#list(collection, searchParams, response);
  }

  #knows({ headers, socket }: IncomingMessage): boolean {
    if (this.#needsCertificate && !(socket instanceof TLSSocket && socket.authorized)) return false;
    return this.token === undefined || headers.authorization === `Bearer ${this.token}`;
  }

  #list(collection: Collection, query: URLSearchParams, response: ServerResponse): void {
    this.requests.lists++;
    const limit = Number(query.get('limit') ?? Infinity);
    const { version, after } = JSON.parse(query.get('continue') ?? '{}') as {
      version?: number;
      after?: string;
    };
    if (version !== undefined && version < collection.oldest) {
      this.requests.gone++;
      fail(response, 410, 'The provided continue parameter is too old');
      return;
    }
    const keys = [...collection.objects.keys()].sort().filter((key) => after === undefined || key > after);
    const page = keys.slice(0, limit);
    const more = page.length < keys.length;
    const at = version ?? this.#version;
    const body = {
      kind: 'List',
      metadata: {
        resourceVersion: String(at),
        ...(more ? { continue: JSON.stringify({ version: at, after: page.at(-1) }) } : {}),
      },
      // As the API server, items do not say of what kind they are.
      items: page.map((key) => ({ ...collection.objects.get(key), kind: undefined, apiVersion: undefined })),
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }

  #watch(collection: Collection, query: URLSearchParams, response: ServerResponse): void {
    this.requests.watches++;
    const from = Number(query.get('resourceVersion'));
    response.writeHead(200, { 'content-type': 'application/json' });
    if (from < collection.oldest) {
      this.requests.gone++;
      response.end(
        `${JSON.stringify({ type: 'ERROR', object: { code: 410, message: 'too old resource version' } })}\n`,
      );
      return;
    }
    for (const { version, line } of collection.changes) if (version > from) write(response, line);
    response.flushHeaders();
    collection.watchers.add(response);
    response.on('close', () => collection.watchers.delete(response));
  }
}

/** Writes a line in two pieces, as a stream may cut it anywhere. */
function write(response: ServerResponse, line: string): void {
  const cut = line.length >> 1;
  response.write(line.slice(0, cut));
  response.write(line.slice(cut));
}

function fail(response: ServerResponse, code: number, message: string): void {
  const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code };
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(status));
}

function keyOf({ metadata }: KubernetesObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
