import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, Server as SecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TlsOptions, TLSSocket } from 'node:tls';
import { collectionPath, WATCHED_RESOURCES } from '@sonde/enricher/watch/resources';
import { type KubernetesObject, namespacedName } from '@sonde/model/cluster/objects';
import { answerWrite } from './fake-writes.js';

type Stored = KubernetesObject & { metadata: { resourceVersion: string } };

interface Change {
  readonly version: number;
  readonly type: string;
  readonly object: Stored;
}

interface Collection {
  readonly objects: Map<string, Stored>;
  /** Changes that a watch can be resumed from. */
  changes: Change[];
  /** Watches from before this version get 410 Gone. */
  oldest: number;
  readonly watchers: Set<Watcher>;
}

/** Paths of the collections of every API server; those of custom resources are served once they are installed. */
export const BUILT_IN_PATHS: readonly string[] = WATCHED_RESOURCES.flatMap(({ versions, plural }) =>
  versions
    .filter((version) => !/calico|cilium|antrea|ovn/.test(version))
    .map((version) => collectionPath(version, plural)),
);

interface Watcher {
  readonly response: ServerResponse;
  readonly from: number;
  readonly isMetadataOnly: boolean;
}

/**
 * A fake of the Kubernetes API server at the edge of its protocol: discovery, lists with pages, watches with
 * bookmarks, metadata-only lists and watches, expired versions, broken connections, rejected tokens, missing
 * permissions. It evaluates nothing.
 */
export class FakeApiServer {
  readonly #server: Server;
  readonly #scheme: 'http' | 'https';
  readonly #needsCertificate: boolean;
  readonly #collections = new Map<string, Collection>();
  readonly #forbidden = new Set<string>();
  #version = 1;
  #unavailable: { readonly status: number; readonly retryAfterSeconds?: number } | undefined;
  /** The only bearer token that is accepted; undefined accepts all. */
  token: string | undefined;
  /** Numbers of requests by kind and result. */
  readonly requests = { lists: 0, watches: 0, gone: 0, unauthorized: 0, forbidden: 0, unavailable: 0 };

  /**
   * Serves the collections at these paths, for example `/api/v1/pods`; others are not found. Over HTTPS with `tls`,
   * and with a `ca` in it only to clients with a certificate of that authority.
   */
  constructor(paths: readonly string[], tls?: TlsOptions) {
    const answer = (request: IncomingMessage, response: ServerResponse) =>
      void this.#answer(request, response);
    this.#scheme = tls ? 'https' : 'http';
    this.#needsCertificate = tls?.ca !== undefined;
    // Like the API server, which responds with 401 to clients without a certificate.
    const requestCertificate = { requestCert: true, rejectUnauthorized: false };
    this.#server = tls ? createSecureServer({ ...requestCertificate, ...tls }, answer) : createServer(answer);
    for (const path of paths) this.serve(path);
  }

  /** Starts to serve a collection, as when a custom resource definition is installed. */
  serve(path: string): void {
    this.#collections.set(path, { objects: new Map(), changes: [], oldest: 0, watchers: new Set() });
  }

  /** Stops serving a collection, as when its custom resource definition is deleted. */
  stopServing(path: string): void {
    const collection = this.#collection(path);
    this.#collections.delete(path);
    for (const { response } of collection.watchers) response.destroy();
  }

  /** Whether a collection is served. */
  serves(path: string): boolean {
    return this.#collections.has(path);
  }

  /** Denies or grants the right to list and watch a collection, whether it is served or not. */
  authorize(path: string, isAllowed: boolean): void {
    if (isAllowed) this.#forbidden.delete(path);
    else this.#forbidden.add(path);
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    this.disconnect();
    this.#server.closeAllConnections();
    // Connections that were in their TLS handshake become visible later.
    const closing = setInterval(() => this.#server.closeAllConnections(), 50);
    await new Promise((resolve) => this.#server.close(resolve));
    clearInterval(closing);
  }

  /** Restarts with another certificate. */
  useCertificate(options: Pick<TlsOptions, 'cert' | 'key'>): void {
    if (!(this.#server instanceof SecureServer)) throw new TypeError('the fake does not serve HTTPS');
    this.#server.setSecureContext(options);
    this.disconnect();
    this.#server.closeAllConnections();
  }

  /** Where the server answers. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `${this.#scheme}://127.0.0.1:${port}`;
  }

  put(path: string, object: KubernetesObject): void {
    const collection = this.#collection(path);
    const key = namespacedName(object.metadata);
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
    collection.objects.delete(namespacedName(object.metadata));
    this.#change(collection, 'DELETED', this.#versioned(object));
  }

  /** Breaks all watches, as a restart of the server does. */
  disconnect(): void {
    for (const { watchers } of this.#collections.values()) {
      for (const { response } of watchers) response.destroy();
      watchers.clear();
    }
  }

  /**
   * Breaks all watches and answers every request with an error until {@link resume}: with 503 as behind a load balancer,
   * with 403 as a server that has not read its roles yet, or with 429 and `Retry-After` as an overloaded server.
   */
  interrupt(status = 503, retryAfterSeconds?: number): void {
    this.#unavailable = { status, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) };
    this.disconnect();
  }

  resume(): void {
    this.#unavailable = undefined;
  }

  /** Forgets the changes so far, so that broken watches from before cannot be resumed. */
  compact(): void {
    for (const collection of this.#collections.values()) {
      collection.changes = [];
      collection.oldest = this.#version;
    }
  }

  /**
   * Restarts with a database restored from a backup: these are all objects of a collection, and versions continue
   * from an earlier one. A watch from a later version stays silent until the server has passed that version.
   */
  restore(version: number, path: string, objects: readonly KubernetesObject[]): void {
    this.disconnect();
    this.#version = version;
    for (const collection of this.#collections.values()) collection.changes = [];
    const restored = objects.map(
      (object) => [namespacedName(object.metadata), this.#versioned(object)] as const,
    );
    this.#collection(path).objects.clear();
    for (const [key, object] of restored) this.#collection(path).objects.set(key, object);
  }

  /** Sends the present version to all watches. */
  bookmark(): void {
    for (const { watchers } of this.#collections.values()) {
      const object = { metadata: { resourceVersion: String(this.#version) } };
      for (const { response } of watchers)
        write(response, `${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
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
    const change = { version: this.#version, type, object };
    collection.changes.push(change);
    for (const watcher of collection.watchers) send(watcher, change);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://fake');
    const collection = this.#collections.get(pathname);
    if (this.#unavailable) {
      this.requests.unavailable++;
      const { status, retryAfterSeconds } = this.#unavailable;
      const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
      fail(response, status, `the server answers every request with ${status}`, headers);
    } else if (!this.#isAuthenticated(request)) {
      this.requests.unauthorized++;
      fail(response, 401, 'Unauthorized');
    } else if (this.#forbidden.has(pathname)) {
      this.requests.forbidden++;
      fail(response, 403, `User "sonde" cannot list resource at ${pathname} at the cluster scope`);
    } else if (await answerWrite(this, request, response)) return;
    else if (this.#discover(pathname, response)) return;
    else if (!collection) fail(response, 404, 'the server could not find the requested resource');
    else if (searchParams.get('watch') === 'true') this.#watch(collection, request, searchParams, response);
    else this.#list(collection, request, searchParams, response);
  }

  #isAuthenticated({ headers, socket }: IncomingMessage): boolean {
    if (this.#needsCertificate && !(socket instanceof TLSSocket && socket.authorized)) return false;
    return this.token === undefined || headers.authorization === `Bearer ${this.token}`;
  }

  /** Answers a request for the resources of a group version, such as `/apis/apps/v1`; returns whether it was one. */
  #discover(path: string, response: ServerResponse): boolean {
    const [, groupVersion] = /^\/(?:api|apis\/[^/]+)\/([^/]+)$/.exec(path) ?? [];
    if (groupVersion === undefined) return false;
    const resources = [...this.#collections.keys()]
      .filter((collection) => collection.startsWith(`${path}/`))
      .map((collection) => ({ name: collection.slice(path.length + 1) }));
    if (resources.length === 0) fail(response, 404, 'the server could not find the requested resource');
    else sendJson(response, 200, { kind: 'APIResourceList', groupVersion, resources });
    return true;
  }

  #list(
    collection: Collection,
    request: IncomingMessage,
    query: URLSearchParams,
    response: ServerResponse,
  ): void {
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
    const page = keys.slice(0, limit).flatMap((key) => collection.objects.get(key) ?? []);
    const isLast = page.length === keys.length;
    const at = version ?? this.#version;
    const last = page.at(-1);
    const metadata = {
      resourceVersion: String(at),
      ...(!isLast &&
        last && { continue: JSON.stringify({ version: at, after: namespacedName(last.metadata) }) }),
    };
    if (wantsMetadataOnly(request)) {
      // Without objects the API server sends null here, and an empty list in lists of whole objects.
      const items = page.length === 0 ? null : page.map(metadataOf);
      sendJson(response, 200, { kind: 'PartialObjectMetadataList', metadata, items });
      return;
    }
    // Items of lists have no apiVersion and kind.
    const items = page.map((object) => ({ ...object, kind: undefined, apiVersion: undefined }));
    sendJson(response, 200, { kind: 'List', metadata, items });
  }

  #watch(
    collection: Collection,
    request: IncomingMessage,
    query: URLSearchParams,
    response: ServerResponse,
  ): void {
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
    const watcher = { response, from, isMetadataOnly: wantsMetadataOnly(request) };
    for (const change of collection.changes) send(watcher, change);
    response.flushHeaders();
    collection.watchers.add(watcher);
    response.on('close', () => collection.watchers.delete(watcher));
  }
}

function wantsMetadataOnly({ headers }: IncomingMessage): boolean {
  return headers.accept?.includes('as=PartialObjectMetadata') ?? false;
}

function metadataOf({ metadata }: KubernetesObject): KubernetesObject {
  return { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata };
}

/** Sends a change to a watch that started from an earlier version. */
function send({ response, from, isMetadataOnly }: Watcher, { version, type, object }: Change): void {
  if (version <= from) return;
  write(response, `${JSON.stringify({ type, object: isMetadataOnly ? metadataOf(object) : object })}\n`);
}

/** Writes a line in two pieces, as a stream may be split anywhere. */
function write(response: ServerResponse, line: string): void {
  const cut = line.length >> 1;
  response.write(line.slice(0, cut));
  response.write(line.slice(cut));
}

function fail(response: ServerResponse, code: number, message: string, headers = {}): void {
  sendJson(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code }, headers);
}

function sendJson(response: ServerResponse, status: number, body: object, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}
