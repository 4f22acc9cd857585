import { kubernetesCase } from '@sonde/test/kubernetes/case-file';
import { readManifests } from '@sonde/backbone/manifests/read';
import { pruneObject } from '../watch/prune-object.js';
import { createLogger } from '@sonde/backbone/logging';
import { openChdbStore } from '@sonde/backbone/store/chdb/chdb-store';
import { type FlowStore, StoreError } from '@sonde/backbone/store/store';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import type { ObjectVersion } from '@sonde/model/policy/history/object-version';
import { manifest, namespace, networkPolicy, pod } from '@sonde/test/builders/manifests';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PolicyHistory } from './policy-history.js';

const log = createLogger('test', 'silent');
let directory: string;
let store: FlowStore;
let clusters = 0;

beforeAll(async () => {
  directory = temporaryDirectory('policy-history');
  store = await openChdbStore({ directory, log });
  await store.migrate();
});

afterAll(async () => {
  await store.close();
});

/** A cluster of its own for each test, since all write into one store. */
function cluster(): string {
  return `cluster-${++clusters}`;
}

/** An enricher's life: hears what `tell` tells, and ends when all of it is written. */
async function life(
  name: string,
  tell: (history: PolicyHistory) => void,
  into = store,
): Promise<PolicyHistory> {
  const history = new PolicyHistory(name);
  tell(history);
  const stop = new AbortController();
  const running = history.run({ store: into, ready: Promise.resolve(), log, signal: stop.signal });
  stop.abort();
  await running;
  return history;
}

async function versions(name: string) {
  const rows = await store.query<{ what: string; at: string; by: string; deleted: boolean }>(
    `SELECT concat(kind, ' ', namespace, '/', name) AS what, toUnixTimestamp64Milli(changed_at) AS at,
       changed_by AS by, deleted FROM cluster_objects FINAL
     WHERE cluster = {name:String} ORDER BY what, changed_at`,
    { name },
  );
  return rows.map(({ what, at, by, deleted }) =>
    [what, at, ...(by === '' ? [] : [`by ${by}`]), ...(deleted ? ['gone'] : [])].join(' '),
  );
}

const DENY = networkPolicy('shop/web', { podSelector: {} });
const ALLOW = networkPolicy('shop/web', { podSelector: {}, ingress: [{}] });

function changed(object: KubernetesObject, resourceVersion: string, time: string): KubernetesObject {
  const managedFields = [
    { manager: 'kubectl', operation: 'Apply', time },
    { manager: 'controller', operation: 'Update', time: '2030-01-01T00:00:00Z', subresource: 'status' },
  ];
  return { ...object, metadata: { ...object.metadata, resourceVersion, managedFields } };
}

describe('the history of policies', () => {
  it('holds each version with who made it when, and the end', async () => {
    const name = cluster();
    await life(name, (history) => {
      history.apply(changed(DENY, '5', '2026-01-01T00:00:00Z'), 1);
      history.apply(changed(ALLOW, '9', '2026-01-01T00:01:00Z'), 2);
      history.remove(ALLOW, Date.parse('2026-01-01T00:02:00Z'));
    });
    expect(await versions(name)).toEqual([
      `NetworkPolicy shop/web ${Date.parse('2026-01-01T00:00:00Z')} by kubectl`,
      `NetworkPolicy shop/web ${Date.parse('2026-01-01T00:01:00Z')} by kubectl`,
      `NetworkPolicy shop/web ${Date.parse('2026-01-01T00:02:00Z')} gone`,
    ]);
  });

  it('names the author in the annotation for the changes that wrote it, else the program', async () => {
    const name = cluster();
    const { objects } = await readManifests([kubernetesCase('changed-by-stays.yaml')]);
    const [applied] = objects.map(({ object }) => object);
    if (!applied) throw new Error('the case has no object');
    const at = (second: number) => `2026-01-01T00:00:0${second}Z`;
    const annotations = { 'f:sonde/changed-by': {} };
    const byApply = {
      ...{ manager: 'kubectl-client-side-apply', operation: 'Update', time: at(1) },
      fieldsV1: { 'f:metadata': { 'f:annotations': annotations }, 'f:spec': {} },
    };
    const byPatch = {
      manager: 'kubectl-patch',
      operation: 'Update',
      time: at(2),
      fieldsV1: { 'f:spec': {} },
    };
    const version = (port: number, managedFields: object[], author = 'alice') =>
      pruneObject({
        ...applied,
        metadata: { ...applied.metadata, annotations: { 'sonde/changed-by': author }, managedFields },
        ...{ spec: { podSelector: {}, ingress: [{ ports: [{ port }] }] } },
      });
    const patched = version(9999, [byApply, byPatch]);
    await life(name, (history) => {
      history.apply(version(9880, [byApply]), 1);
      history.apply(patched, 2);
      // Another author, by a program that already owned the annotation.
      history.apply(version(7, [{ ...byApply, time: at(3) }, byPatch], 'carol'), 3);
      history.remove(patched, Date.parse(at(4)));
    });
    const by = (text: string) =>
      expect.stringMatching(new RegExp(`^NetworkPolicy default/who-test \\d+ ${text}$`)) as string;
    expect(await versions(name)).toEqual(['by alice', 'by kubectl-patch', 'by carol', 'gone'].map(by));
  });

  it('names the author that manifests without managed fields name, until a change leaves the annotation alone', async () => {
    const name = cluster();
    const version = (policy: KubernetesObject, author: string): KubernetesObject => {
      const annotations = { 'sonde/changed-by': author };
      return { ...policy, metadata: { ...policy.metadata, annotations } };
    };
    await life(name, (history) => {
      history.apply(version(DENY, 'alice'), 1000);
      history.apply(version(ALLOW, 'alice'), 2000);
      history.apply(version(DENY, 'bob'), 3000);
    });
    expect(await versions(name)).toEqual([
      'NetworkPolicy shop/web 1000 by alice',
      'NetworkPolicy shop/web 2000',
      'NetworkPolicy shop/web 3000 by bob',
    ]);
  });

  it('gets nothing new from what is told again, by whomever and after a restart', async () => {
    const name = cluster();
    const tell = (history: PolicyHistory) => {
      history.apply(changed(DENY, '5', '2026-01-01T00:00:00Z'), 1);
      history.apply(changed(DENY, '6', '2026-01-01T00:00:00Z'), 2);
      history.apply(namespace('shop', { team: 'a' }), 3);
    };
    await Promise.all([life(name, tell), life(name, tell)]);
    const again = await life(name, tell);
    expect(again.counts.written).toBe(0);
    expect(await versions(name)).toEqual([
      expect.stringMatching(/^Namespace/),
      expect.stringMatching(/^NetworkPolicy shop\/web/),
    ]);
  });

  it('keeps a version that comes back', async () => {
    const name = cluster();
    await life(name, (history) => {
      history.apply(DENY, 1000);
      history.apply(ALLOW, 2000);
      history.apply(DENY, 3000);
    });
    expect(await versions(name)).toEqual([1000, 2000, 3000].map((at) => `NetworkPolicy shop/web ${at}`));
  });

  it('says that what went while nobody looked is gone', async () => {
    const name = cluster();
    const kept = networkPolicy('shop/kept', { podSelector: {} });
    await life(name, (history) => {
      history.apply(DENY, 1000);
      history.apply(kept, 1000);
    });
    await life(name, (history) => history.apply(kept, 9000));
    expect(await versions(name)).toEqual([
      'NetworkPolicy shop/kept 1000',
      'NetworkPolicy shop/web 1000',
      expect.stringMatching(/^NetworkPolicy shop\/web \d+ gone$/),
    ]);
  });

  it('keeps of pods what they call their ports, once for all that are alike', async () => {
    const name = cluster();
    const web = (id: string, ports: readonly { name: string; containerPort: number }[]) =>
      pod(`shop/web-${id}`, { labels: { app: 'web', 'pod-template-hash': id }, ports });
    await life(name, (history) => {
      history.apply(web('1', [{ name: 'http', containerPort: 8080 }]), 1000);
      history.apply(web('2', [{ name: 'http', containerPort: 8080 }]), 2000);
      history.apply(pod('shop/nameless', { labels: { app: 'db' } }), 2000);
      history.apply(web('3', [{ name: 'https', containerPort: 8443 }]), 3000);
      history.remove(web('3', []), 4000);
    });
    expect(await versions(name)).toEqual(['PortNames shop/app=web 1000', 'PortNames shop/app=web 3000']);
    const [latest] = await store.query<{ manifest: string }>(
      'SELECT manifest FROM cluster_objects WHERE cluster = {name:String} ORDER BY changed_at DESC LIMIT 1',
      { name },
    );
    expect(JSON.parse(latest?.manifest ?? '')).toMatchObject({
      spec: {
        ports: [
          { name: 'http', protocol: 6, port: 8080 },
          { name: 'https', protocol: 6, port: 8443 },
        ],
      },
    });
  });

  it('keeps services by what they select, and of their endpoints only those that nobody can select', async () => {
    const name = cluster();
    const service = (of: string, ready: number) => ({
      ...manifest('v1', 'Service', of, {
        selector: { app: 'api' },
        clusterIP: '10.96.0.1',
        sessionAffinity: 'None',
      }),
      ...{ status: { ready } },
    });
    const slice = (of: string, manager: string) => ({
      ...manifest(
        'discovery.k8s.io/v1',
        'EndpointSlice',
        of,
        {},
        {
          'kubernetes.io/service-name': 'api',
          'endpointslice.kubernetes.io/managed-by': manager,
        },
      ),
      ...{ ports: [{ port: 80 }], endpoints: [{ addresses: ['192.0.2.7'] }] },
    });
    await life(name, (history) => {
      history.apply(service('shop/api', 1), 1000);
      history.apply(service('shop/api', 2), 2000);
      history.apply(slice('shop/api-1', 'endpointslice-controller.k8s.io'), 2000);
      history.apply(slice('shop/db-1', 'somebody'), 2000);
    });
    expect(await versions(name)).toEqual(['EndpointSlice shop/db-1 2000', 'Service shop/api 1000']);
    const manifests = await store.query<{ manifest: string }>(
      'SELECT manifest FROM cluster_objects FINAL WHERE cluster = {name:String} ORDER BY kind',
      { name },
    );
    expect(manifests.map(({ manifest: text }) => JSON.parse(text) as unknown)).toMatchObject([
      { ports: [{ port: 80 }], endpoints: [{ addresses: ['192.0.2.7'] }] },
      { spec: { selector: { app: 'api' }, clusterIP: '10.96.0.1' } },
    ]);
  });

  it('loses nothing while the store refuses', async () => {
    const name = cluster();
    let refusals = 3;
    const written: ObjectVersion[] = [];
    const refusing: FlowStore = Object.assign(Object.create(store) as FlowStore, {
      query: () => Promise.resolve([]),
      copyRows: () => Promise.resolve(),
      insertRows(_: unknown, some: readonly ObjectVersion[]) {
        if (refusals-- > 0) return Promise.reject(new StoreError('busy'));
        written.push(...some);
        return Promise.resolve();
      },
    });
    const history = new PolicyHistory(name);
    const stop = new AbortController();
    const running = history.run({ store: refusing, ready: Promise.resolve(), log, signal: stop.signal });
    history.apply(DENY, 1000);
    history.apply(ALLOW, 2000);
    await expect.poll(() => written.length, { timeout: 60_000 }).toBe(2);
    stop.abort();
    await running;
    expect(history.counts).toEqual({ written: 2, skipped: 0, failures: 3 });
  }, 90_000);
});
