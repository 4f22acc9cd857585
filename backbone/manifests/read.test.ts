import { describe, expect, it, vi } from 'vitest';
import { parseManifests } from './read.js';

const namesIn = (text: string) =>
  parseManifests(text, 'f.yaml').objects.map(({ object }) => object.metadata.name);

describe('manifests', () => {
  it('are read from several documents of a file, with the line of each', () => {
    const text =
      'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: b}\n';
    expect(parseManifests(text, 'pods.yaml')).toMatchObject({
      objects: [
        { file: 'pods.yaml', line: 1, object: { metadata: { name: 'a' } } },
        { file: 'pods.yaml', line: 5, object: { metadata: { name: 'b' } } },
      ],
      problems: [],
    });
  });

  it('are read from a List, a JSON array and a JSON object alike', () => {
    const pod = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name } });
    expect(namesIn(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [pod('a'), pod('b')] }))).toEqual([
      'a',
      'b',
    ]);
    expect(namesIn(JSON.stringify([pod('a'), pod('b')]))).toEqual(['a', 'b']);
    expect(namesIn(JSON.stringify(pod('a')))).toEqual(['a']);
  });

  it('may be empty', () => {
    expect(parseManifests('', 'f')).toEqual({ objects: [], problems: [] });
    expect(parseManifests('---\n# nothing\n---\n', 'f')).toEqual({ objects: [], problems: [] });
  });

  it('that are no YAML are reported with file and line, and the other documents still read', () => {
    const text =
      'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\nkind: [\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: b}\n';
    const { objects, problems } = parseManifests(text, 'broken.yaml');
    expect(objects.map(({ object }) => object.metadata.name)).toEqual(['a', 'b']);
    expect(problems).toEqual([
      { file: 'broken.yaml', line: 6, reason: expect.stringContaining('Flow sequence') as string },
    ]);
  });

  it.each([
    ['42', 'not an object'],
    ['kind: Pod\nmetadata: {name: a}', 'apiVersion'],
    ['apiVersion: v1\nmetadata: {name: a}', 'kind'],
    ['apiVersion: v1\nkind: Pod\nmetadata: {}', 'metadata.name of a Pod'],
    ['apiVersion: v1\nkind: Pod\nmetadata: {name: 7}', 'metadata.name of a Pod'],
  ])('that are no Kubernetes object are reported: %j', (text, reason) => {
    expect(parseManifests(text, 'f').problems).toEqual([
      { file: 'f', line: 1, reason: expect.stringContaining(reason) as string },
    ]);
  });

  it.each([
    ['a: 1\n? [b]\n: 2', 2, 'a key is a list'],
    ['a: !secret x', 1, 'Unresolved tag'],
    ['a:\n  b: &b { c: *b }', 2, '*b stands within'],
    [
      'a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c]',
      1,
      'cannot be read',
    ],
    ['['.repeat(50_000), 1, 'nests too deep'],
  ])('that say what JSON cannot are reported, and nothing is printed: %.40j', (text, line, reason) => {
    const warn = vi.spyOn(process, 'emitWarning');
    const { problems } = parseManifests(text, 'f');
    expect(problems).toContainEqual({ file: 'f', line, reason: expect.stringContaining(reason) as string });
    expect(warn).not.toHaveBeenCalled();
  });
});
