import { readManifests } from '@sonde/backbone/manifests/read';
import { collectionPath } from '@sonde/enricher/watch/resources';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { readManifestCluster } from '@sonde/model/policy/manifests/cluster';
import { evaluateNamed } from '@sonde/model/policy/manifests/connection';
import { readPolicyObject } from '@sonde/model/policy/read-object';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { kubernetesCase } from './case-file.js';
import type { FakeApiServer } from './fake-api-server.js';
import { followFake, stopFollowing } from './follow-fake.js';

afterEach(stopFollowing);

const START = Date.parse('2026-01-01T00:00:00Z');
const WEB_TO_PARTNER = {
  ...{ src_ip: '10.1.0.5', dst_ip: '198.51.100.7', protocol: 6, dst_port: 443, start_time: START + 5000 },
};

async function labelsInAnnotation(): Promise<KubernetesObject[]> {
  const { objects, problems } = await readManifests([kubernetesCase('calico-labels-in-annotation.yaml')]);
  expect(problems).toEqual([]);
  return objects.map(({ object }) => object);
}

/** An object as Calico's datastore keeps it, with the metadata of its API in an annotation. */
function stored(kind: string, name: string, own: object, spec: object): KubernetesObject {
  const annotations = { 'projectcalico.org/metadata': JSON.stringify(own) };
  return {
    ...{ apiVersion: 'crd.projectcalico.org/v1', kind, metadata: { name, annotations } },
    ...{ spec },
  };
}

const DATASTORE = 'crd.projectcalico.org/v1';
const API = 'projectcalico.org/v3';
const pathOf = (version: string, plural = 'globalnetworksets') => collectionPath(version, plural);
const MIGRATIONS = collectionPath('migration.projectcalico.org/v1beta1', 'datastoremigrations');

function serveSet(server: FakeApiServer, version: string, name: string): void {
  const path = pathOf(version);
  if (!server.serves(path)) server.serve(path);
  const metadata = { name };
  const spec = { nets: ['198.51.100.0/24'] };
  server.put(path, { apiVersion: version, kind: 'GlobalNetworkSet', metadata, ...{ spec } });
}

function migrate(server: FakeApiServer, phase: string): void {
  if (!server.serves(MIGRATIONS)) server.serve(MIGRATIONS);
  server.put(MIGRATIONS, {
    ...{ apiVersion: 'migration.projectcalico.org/v1beta1', kind: 'DatastoreMigration' },
    ...{ metadata: { name: 'v1-to-v3' }, status: { phase } },
  });
}

describe('objects of the datastore with the labels and name of their API in an annotation', () => {
  it('are evaluated in manifests as Calico does', async () => {
    const { cluster } = readManifestCluster(await labelsInAnnotation());
    const connection = { from: 'shop/web', to: '198.51.100.7', protocol: 'TCP', port: 443 };
    const { verdict, egress } = evaluateNamed(cluster, connection);
    expect({ verdict, trace: egress.trace }).toEqual({
      verdict: 'allow',
      trace: ['0|default|gnp:to-partners|allow|0'],
    });
  });

  it('are evaluated and named on an API server as Calico does', async () => {
    const objects = await labelsInAnnotation();
    expect(objects).toHaveLength(4);
    const { followed, enriched } = await followFake({
      prepare(server) {
        for (const object of objects.slice(0, 2)) {
          const plural = `${object.kind.toLowerCase()}s`;
          server.put(collectionPath('v1', plural), object);
        }
        for (const plural of ['globalnetworksets', 'globalnetworkpolicies'])
          server.serve(pathOf(DATASTORE, plural));
        const set = stored(
          'GlobalNetworkSet',
          'partners',
          { labels: { role: 'partners' } },
          { nets: ['198.51.100.0/24'] },
        );
        server.put(pathOf(DATASTORE), set);
        const egress = [{ action: 'Allow', destination: { selector: "role == 'partners'" } }];
        const spec = { selector: "app == 'web'", types: ['Egress'], egress };
        server.put(
          pathOf(DATASTORE, 'globalnetworkpolicies'),
          stored('GlobalNetworkPolicy', 'default.to-partners', { name: 'to-partners' }, spec),
        );
      },
    });
    await followed.ready;
    expect(enriched(WEB_TO_PARTNER)).toMatchObject({
      ...{ action: 'allow', policies: '0|default|gnp:to-partners|allow|0', dst_labels: 'role=partners' },
    });
  });

  it('are a problem if the annotation is not a JSON object', () => {
    for (const text of ['{', '[]', '7']) {
      const object = stored('GlobalNetworkSet', 'partners', {}, { nets: [] });
      const annotations = { 'projectcalico.org/metadata': text };
      expect(readPolicyObject({ ...object, metadata: { name: 'partners', annotations } })).toMatchObject({
        is: 'invalid',
        problems: [{ field: 'metadata.annotations' }],
      });
    }
  });
});

describe('of two API groups with Calico objects', () => {
  const followSets = (prepare: (server: FakeApiServer) => void) =>
    followFake({ prepare, intervals: { discoveryMs: 300 } });

  it.each([
    ['the datastore, which the API server stores its objects in', undefined, 'in-datastore'],
    ['the datastore while it is migrated', 'Migrating', 'in-datastore'],
    ['the API once components use it', 'Converged', 'in-api'],
    ['the API after the migration', 'Complete', 'in-api'],
  ])('%s is read', async (_, phase, expected) => {
    const { followed, enriched } = await followSets((server) => {
      serveSet(server, DATASTORE, 'in-datastore');
      serveSet(server, API, 'in-api');
      if (phase !== undefined) migrate(server, phase);
    });
    await followed.ready;
    expect(enriched(WEB_TO_PARTNER).dst_network_sets).toBe(expected);
  });

  it('the only one is read', async () => {
    for (const version of [DATASTORE, API]) {
      const { followed, enriched } = await followSets((server) => serveSet(server, version, 'only'));
      await followed.ready;
      expect(enriched(WEB_TO_PARTNER).dst_network_sets).toBe('only');
    }
  });

  it('the API is read as soon as the migration has converged, and no object is removed that exists in both', async () => {
    const removed: string[] = [];
    const observer = {
      apply: () => undefined,
      remove: ({ metadata }: KubernetesObject) => void removed.push(metadata.name),
    };
    const { server, followed, enriched } = await followFake({
      prepare(fake) {
        for (const name of ['both', 'former']) serveSet(fake, DATASTORE, name);
        serveSet(fake, API, 'both');
        serveSet(fake, API, 'new');
        migrate(fake, 'Migrating');
      },
      observer,
      intervals: { discoveryMs: 100 },
    });
    await followed.ready;
    expect(enriched(WEB_TO_PARTNER).dst_network_sets).toBe('both,former');
    migrate(server, 'Converged');
    await eventually(() => expect(enriched(WEB_TO_PARTNER).dst_network_sets).toBe('both,new'));
    expect(removed).toEqual(['former']);
  });

  it('none is read while the state of the migration is unknown', async () => {
    const { server, followed, enriched } = await followSets((fake) => {
      serveSet(fake, DATASTORE, 'in-datastore');
      serveSet(fake, API, 'in-api');
      migrate(fake, 'Complete');
      fake.authorize(MIGRATIONS, false);
    });
    await eventually(() =>
      expect(followed.problem).toMatch(
        /^networkpolicies\.projectcalico\.org are forbidden.*datastoremigrations/,
      ),
    );
    expect(enriched(WEB_TO_PARTNER).action).toBe('unknown');
    server.authorize(MIGRATIONS, true);
    await followed.ready;
    expect(enriched(WEB_TO_PARTNER).dst_network_sets).toBe('in-api');
  });

  it.each([DATASTORE, API])('address blocks are read in %s', async (version) => {
    const path = pathOf(version, 'blockaffinities');
    const { followed, context } = await followFake({
      prepare(server) {
        server.serve(path);
        server.put(path, {
          ...{ apiVersion: version, kind: 'BlockAffinity', metadata: { name: 'node-a-10-9-0-0-26' } },
          ...{ spec: { cidr: '10.9.0.0/26', node: 'node-a', state: 'confirmed' } },
        });
      },
    });
    await followed.ready;
    const address = new Uint8Array([...Array<number>(10).fill(0), 255, 255, 10, 9, 0, 5]);
    expect(context.cluster.nodeRanges.nodeOf(address, 0)).toBe('node-a');
  });
});
