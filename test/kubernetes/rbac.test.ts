import { fileURLToPath } from 'node:url';
import { readManifests } from '@sonde/backbone/manifests/read';
import { WATCHED_RESOURCES } from '@sonde/enricher/watch/resources';
import { expect, it } from 'vitest';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

it('the ClusterRole of the enricher allows to list and watch every watched kind, and nothing else', async () => {
  const file = fileURLToPath(new URL('../../deploy/rbac.yaml', import.meta.url));
  const { objects, problems } = await readManifests([file]);
  expect(problems).toEqual([]);
  const role = objects.find(
    ({ object }) => object.kind === 'ClusterRole' && object.metadata.name === 'sonde-enricher',
  )?.object;
  const rules = (role as unknown as { rules: readonly Rule[] }).rules;
  const allows = (group: string, plural: string) =>
    rules.some(
      ({ apiGroups, resources, verbs }) =>
        apiGroups.includes(group) &&
        resources.includes(plural) &&
        ['list', 'watch'].every((verb) => verbs.includes(verb)),
    );
  const missing = WATCHED_RESOURCES.flatMap(({ versions, plural }) =>
    versions
      .map((version) => (version.includes('/') ? (version.split('/')[0] ?? '') : ''))
      .filter((group) => !allows(group, plural))
      .map((group) => `${group}/${plural}`),
  );
  expect(missing).toEqual([]);
  expect([...new Set(rules.flatMap(({ verbs }) => verbs))].sort()).toEqual(['get', 'list', 'watch']);
});

it('deploy/rbac.yaml applies on a fresh cluster: every namespace is created before its first object', async () => {
  const file = fileURLToPath(new URL('../../deploy/rbac.yaml', import.meta.url));
  const { objects } = await readManifests([file]);
  const created = new Set<string>();
  const missing = objects.flatMap(({ object: { kind, metadata } }) => {
    if (kind === 'Namespace') created.add(metadata.name);
    const { namespace } = metadata;
    return namespace === undefined || created.has(namespace) ? [] : `${kind} ${namespace}/${metadata.name}`;
  });
  expect(created.size).toBeGreaterThan(0);
  expect(missing).toEqual([]);
});
