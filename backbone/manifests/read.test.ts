import { describe, expect, it, vi } from 'vitest';
import { parseManifests } from './read.js';

const namesIn = async (text: string) =>
  (await parseManifests(text, 'f.yaml')).objects.map(({ object }) => object.metadata.name);

describe('manifests', () => {
  it('are read from several documents of a file, with the line of each', async () => {
    const text =
      'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: b}\n';
    expect(await parseManifests(text, 'pods.yaml')).toMatchObject({
      objects: [
        { file: 'pods.yaml', line: 1, object: { metadata: { name: 'a' } } },
        { file: 'pods.yaml', line: 5, object: { metadata: { name: 'b' } } },
      ],
      problems: [],
    });
  });

  it('are read from a List, a JSON array and a JSON object alike', async () => {
    const pod = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name } });
    expect(
      await namesIn(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [pod('a'), pod('b')] })),
    ).toEqual(['a', 'b']);
    expect(await namesIn(JSON.stringify([pod('a'), pod('b')]))).toEqual(['a', 'b']);
    expect(await namesIn(JSON.stringify(pod('a')))).toEqual(['a']);
  });

  it('may be empty', async () => {
    expect(await parseManifests('', 'f')).toEqual({ objects: [], problems: [] });
    expect(await parseManifests('---\n# nothing\n---\n', 'f')).toEqual({ objects: [], problems: [] });
  });

  it('that are no YAML are reported with file and line, and the other documents still read', async () => {
    const text =
      'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\nkind: [\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: b}\n';
    const { objects, problems } = await parseManifests(text, 'broken.yaml');
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
  ])('that are no Kubernetes object are reported: %j', async (text, reason) => {
    expect((await parseManifests(text, 'f')).problems).toEqual([
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
    ['a: 1\nb: 2\na: 3', 3, 'the key "a" occurs twice'],
    [`a: &a 1\nb: [${'*a,'.repeat(100_000)}]`, 2, 'more than 100 aliases'],
    ['%MOON', 1, 'directives-end'],
  ])('that say what JSON cannot are reported, and nothing is printed: %.40j', async (text, line, reason) => {
    const warn = vi.spyOn(process, 'emitWarning');
    const { problems } = await parseManifests(text, 'f');
    expect(problems).toContainEqual({ file: 'f', line, reason: expect.stringContaining(reason) as string });
    expect(warn).not.toHaveBeenCalled();
  });

  it('give others their turn between the parts of a text, and end when nobody waits for them any more', async () => {
    const pods = 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\n'.repeat(2000);
    const controller = new AbortController();
    setImmediate(() => controller.abort(new Error('left')));
    const read = parseManifests(pods, 'f', { maxTokens: 1000, signal: controller.signal });
    await expect(read).rejects.toThrow('left');
  });

  it('that are too large are reported where a bound is set, and those before them still read', async () => {
    const text = `apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\na:\n${'- x\n'.repeat(500)}`;
    const { objects, problems } = await parseManifests(text, 'f', { maxTokens: 1000 });
    expect(objects.map(({ object }) => object.metadata.name)).toEqual(['a']);
    expect(problems).toMatchObject([{ reason: expect.stringContaining('too large') as string }]);
    expect((await parseManifests(text, 'f', { maxTokens: 5000 })).problems).toMatchObject([{ line: 5 }]);
  });

  it.each([
    ['many values', `a: &a [${'x,'.repeat(100)}]\nb: [${'*a,'.repeat(50)}]`],
    [
      'many levels',
      `a0: &a0 ${'['.repeat(60)}${']'.repeat(60)}\n${[1, 2, 3, 4]
        .map((one) => `a${one}: &a${one} ${'['.repeat(60)}*a${one - 1}${']'.repeat(60)}\n`)
        .join('')}`,
    ],
  ])('whose aliases stand for %s are reported where a bound is set', async (_what, text) => {
    const { problems } = await parseManifests(text, 'f', { maxTokens: 1000 });
    expect(problems).toMatchObject([{ reason: expect.stringMatching(/stand for too much/) as string }]);
  });
});
