import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import type { KubernetesObject } from '@sonde/model/cluster/objects';

type Whole = KubernetesObject & { readonly status?: object };

/** The objects of an API server, by the path of their collection. */
interface Collections {
  get(path: string, key: string): KubernetesObject | undefined;
  put(path: string, object: KubernetesObject): void;
  delete(path: string, object: KubernetesObject): void;
}

/** Paths of objects in namespaces, and of their status: core/v1 is all that tests write. */
const NAMESPACED = /^\/api\/v1\/namespaces\/([^/]+)\/(\w+)(?:\/([^/]+))?(\/status)?$/;

/**
 * Answers a request that changes objects of core/v1 as the API server does: POST makes one, PATCH of a status merges
 * it (RFC 7396, one level deep), DELETE takes one out. Gives whether it was such a request.
 */
export async function answerWrite(
  server: Collections,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const { method = 'GET', url = '/' } = request;
  if (method === 'GET') return false;
  const [, namespace = '', plural = 'namespaces', name = ''] = NAMESPACED.exec(url.split('?')[0] ?? '') ?? [];
  const path = `/api/v1/${plural}`;
  const isNamespace = plural === 'namespaces';
  const known = server.get(path, isNamespace ? `/${url.split('/').at(-1) ?? ''}` : `${namespace}/${name}`);
  let object: Whole | undefined;
  if (method === 'POST') {
    const written = (await json(request)) as Whole;
    const uid = `${written.metadata.name}-${Math.random().toString(36).slice(2)}`;
    const metadata = { ...written.metadata, uid, ...(isNamespace ? {} : { namespace }) };
    object = { ...written, metadata: { ...metadata, creationTimestamp: new Date().toISOString() } };
    server.put(path, object);
  } else if (known && method === 'PATCH') {
    const { status } = (await json(request)) as Whole;
    object = { ...known, ...{ status: { ...(known as Whole).status, ...status } } };
    server.put(path, object);
  } else if (known && method === 'DELETE') {
    object = known;
    server.delete(path, known);
  }
  const body = object ?? { kind: 'Status', code: 404, message: `${url} not found` };
  response.writeHead(object ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  return true;
}
