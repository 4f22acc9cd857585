import { readManifests } from '@sonde/backbone/manifests/read';
import { collectionPath, WATCHED_RESOURCES } from '@sonde/enricher/watch/resources';
import type { FakeApiServer } from './fake-api-server.js';

/** Puts the objects of a folder of manifests into a server, each at its kind's path, which it serves from then on. */
export async function serveManifests(server: FakeApiServer, directory: string): Promise<void> {
  const { objects, problems } = await readManifests([directory]);
  for (const { file, line, reason } of problems) throw new Error(`${file}:${line}: ${reason}`);
  for (const { object } of objects) {
    const resource = WATCHED_RESOURCES.find(
      ({ kind, versions }) => kind === object.kind && versions.includes(object.apiVersion),
    );
    if (!resource) continue;
    const path = collectionPath(object.apiVersion, resource.plural);
    if (!server.serves(path)) server.serve(path);
    server.put(path, object);
  }
}
