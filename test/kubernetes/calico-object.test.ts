import { fileURLToPath } from 'node:url';
import { readManifests } from '@sonde/backbone/manifests/read';
import { describe, expect, it } from 'vitest';
import { toCalicoApi } from '@sonde/model/cluster/calico-object';
import type { KubernetesObject } from '@sonde/model/cluster/objects';

const LAB = fileURLToPath(new URL('../../deploy/lab/storefront/manifests', import.meta.url));

/** An object of Calico's API as its API server stores it: with its own metadata in an annotation only. */
function stored({ metadata, ...object }: KubernetesObject): KubernetesObject {
  const { name, namespace, labels, annotations = {} } = metadata;
  const own = JSON.stringify({ name, labels, annotations, creationTimestamp: null });
  return {
    ...object,
    apiVersion: 'crd.projectcalico.org/v1',
    metadata: {
      name: object.kind.endsWith('Policy') ? `default.${name}` : name,
      ...(namespace === undefined ? {} : { namespace }),
      annotations: { 'projectcalico.org/metadata': own },
    },
  };
}

describe('an object of the datastore of Calico', () => {
  it("becomes the object of Calico's API that was stored, for every object of the lab", async () => {
    const { objects } = await readManifests([LAB]);
    const calico = objects
      .map(({ object }) => object)
      .filter(({ apiVersion }) => apiVersion.includes('calico'));
    expect(calico.length).toBeGreaterThan(10);
    for (const object of calico) {
      const { name, namespace, labels } = object.metadata;
      const converted = toCalicoApi(stored(object));
      const { annotations, ...metadata } = converted.metadata;
      expect({ ...converted, metadata, annotations }).toEqual({
        ...{ ...object, apiVersion: 'projectcalico.org/v3', annotations: object.metadata.annotations ?? {} },
        metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...(labels && { labels }) },
      });
    }
  });

  it('keeps its own labels where the annotation has none of the name', () => {
    const metadata = {
      ...{ name: 'partners', labels: { a: 'crd', b: 'crd' } },
      annotations: { 'projectcalico.org/metadata': '{"labels":{"a":"api"}}', other: 'kept' },
    };
    const object = { apiVersion: 'crd.projectcalico.org/v1', kind: 'GlobalNetworkSet', metadata };
    expect(toCalicoApi(object).metadata).toEqual({
      ...{ name: 'partners', labels: { a: 'api', b: 'crd' }, annotations: { other: 'kept' } },
    });
  });

  it('is returned as it is if it belongs to another API, or if its annotation is not a JSON object', () => {
    const annotations = { 'projectcalico.org/metadata': 'no JSON' };
    for (const apiVersion of ['v1', 'projectcalico.org/v3', 'crd.projectcalico.org/v1']) {
      const object = { apiVersion, kind: 'NetworkSet', metadata: { name: 'partners', annotations } };
      expect(toCalicoApi(object)).toBe(object);
    }
  });
});
