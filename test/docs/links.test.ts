import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');

const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => existsSync(path.join(root, file)));
const pages = tracked.filter((file) => file.endsWith('.md'));

/** Top-level folders: text in backticks that starts with one of them is a path of the repository. */
const folders = new Set(tracked.filter((file) => file.includes('/')).map((file) => file.split('/')[0]));

function textOf(page: string): string {
  return readFileSync(path.join(root, page), 'utf8');
}

/** The anchors that GitHub gives to the headings of a page. */
function anchorsOf(page: string): Set<string> {
  const headings = textOf(page)
    .replace(/^```.*?^```/gms, '')
    .matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Links to files of the repository that lead nowhere, or to a heading that is not there. */
function brokenLinks(page: string): string[] {
  const links = [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? page : path.join(path.dirname(page), file);
    if (!existsSync(path.join(root, target))) return true;
    return anchor !== undefined && !anchorsOf(target).has(anchor);
  });
}

/** Paths in backticks that do not exist, except those that the page calls new. */
function missingPaths(page: string): string[] {
  const quoted = [...textOf(page).matchAll(/`([\w.-]+(?:\/[\w.{},*<>-]+)*\/?)`(?! \(new[;)])/g)].map(
    ([, name = '']) => name,
  );
  return quoted.filter((name) => {
    if (!name.includes('/') || !folders.has(name.split('/')[0]) || /[<*]/.test(name)) return false;
    return alternatives(name).some((one) => !existsSync(path.join(root, one)));
  });
}

/** `a/{b,c}.ts` names `a/b.ts` and `a/c.ts`. */
function alternatives(name: string): string[] {
  const [whole, inner] = /\{([^}]*)\}/.exec(name) ?? [];
  if (whole === undefined || inner === undefined) return [name];
  return inner.split(',').flatMap((part) => alternatives(name.replace(whole, part)));
}

describe('a page of the repository', () => {
  it.each(pages)('links to files and headings that exist: %s', (page) => {
    expect(brokenLinks(page)).toEqual([]);
  });

  it.each(pages)('names files and folders that exist: %s', (page) => {
    expect(missingPaths(page)).toEqual([]);
  });
});

describe('code and configuration', () => {
  it('names pages and headings that exist', () => {
    const sources = tracked.filter((file) =>
      /^(?!test\/lint\/).*\.(ts|mjs|js|c|h|ya?ml|proto|sh|py)$/.test(file),
    );
    const missing = sources.flatMap((file) => {
      const names = textOf(file).matchAll(/\b((?:docs|bpf-probe|deploy)\/[\w./-]+\.md)(?:#([\w-]+))?/g);
      return [...names]
        .filter(
          ([, page = '', anchor]) =>
            !pages.includes(page) || (anchor !== undefined && !anchorsOf(page).has(anchor)),
        )
        .map(([name]) => `${file}: ${name}`);
    });
    expect(missing).toEqual([]);
  });
});
