import { CALICO_API_VERSION, CALICO_DATASTORE_VERSION } from '@sonde/model/cluster/calico-object';
import type { ApiServer, ListPage } from './api-server.js';
import { collectionPath, isCalicoResource, type WatchedResource } from './resources.js';

/** Group versions of `DatastoreMigration`, newest first. */
const MIGRATION_VERSIONS = ['migration.projectcalico.org/v1', 'migration.projectcalico.org/v1beta1'];
/** Phases of a migration after which Calico enforces the objects of its own API. */
const MIGRATED_PHASES = new Set(['Converged', 'Complete']);

/** Kinds are looked up together, so that one request for a group version serves all its kinds. */
const CACHE_MS = 2_000;

/** Finds the API version in which a cluster serves a kind. */
export class Discovery {
  readonly #server: ApiServer;
  readonly #signal: AbortSignal;
  readonly #cache = new Map<string, { readonly untilMs: number; readonly value: Promise<unknown> }>();

  constructor(server: ApiServer, signal: AbortSignal) {
    this.#server = server;
    this.#signal = signal;
  }

  /**
   * The API version in which a kind is to be watched; undefined if the cluster does not have the kind.
   * @throws ApiError or Error if that cannot be determined: a missing permission is not a missing kind.
   */
  async versionOf(resource: WatchedResource): Promise<string | undefined> {
    const versions = isCalicoResource(resource) ? [await this.#enforcedCalicoVersion()] : resource.versions;
    for (const version of versions) {
      if (version !== undefined && (await this.#resources(version))?.has(resource.plural)) return version;
    }
    return undefined;
  }

  /**
   * The group version of the objects that Calico enforces. Where both are served, those of its own API are copies of the
   * datastore's, unless the datastore was migrated to it (Calico, "Migrate from API server to native CRDs").
   */
  async #enforcedCalicoVersion(): Promise<string | undefined> {
    const [datastore, api] = [
      await this.#resources(CALICO_DATASTORE_VERSION),
      await this.#resources(CALICO_API_VERSION),
    ];
    if (!api) return datastore && CALICO_DATASTORE_VERSION;
    if (!datastore) return CALICO_API_VERSION;
    return (await this.#isCalicoMigrated()) ? CALICO_API_VERSION : CALICO_DATASTORE_VERSION;
  }

  async #isCalicoMigrated(): Promise<boolean> {
    const plural = 'datastoremigrations';
    for (const version of MIGRATION_VERSIONS) {
      if (!(await this.#resources(version))?.has(plural)) continue;
      const path = collectionPath(version, plural);
      const { items } = await this.#cached(path, () => this.#server.list(path, {}, this.#signal));
      return items.some((item) => MIGRATED_PHASES.has(phaseOf(item)));
    }
    return false;
  }

  #resources(version: string): Promise<ReadonlySet<string> | undefined> {
    const path = collectionPath(version, '').slice(0, -1);
    return this.#cached(path, () => this.#server.resources(path, this.#signal));
  }

  #cached<Value>(path: string, read: () => Promise<Value>): Promise<Value> {
    const cached = this.#cache.get(path);
    if (cached && cached.untilMs > Date.now()) return cached.value as Promise<Value>;
    const value = read();
    this.#cache.set(path, { untilMs: Date.now() + CACHE_MS, value });
    value.catch(() => this.#cache.delete(path));
    return value;
  }
}

function phaseOf(migration: ListPage['items'][number]): string {
  return (migration as { status?: { phase?: string } }).status?.phase ?? '';
}
