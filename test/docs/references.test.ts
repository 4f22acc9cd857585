import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { collectorOptions } from '@sonde/collector/options';
import { enricherOptions } from '@sonde/enricher/options';
import { queryApiOptions } from '@sonde/query-api/options';
import { serviceOptions } from '@sonde/backbone/service/options';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const docs = path.join(root, 'docs');

const pages = readdirSync(docs, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.md'));
const textOf = (page: string) => readFileSync(path.join(docs, page), 'utf8');

/** The matches of a pattern in a page that a list does not contain. */
function unknown(page: string, pattern: RegExp, isKnown: (name: string) => boolean): string[] {
  const names = [...textOf(page).matchAll(pattern)].map(([, name = '']) => name);
  return [...new Set(names)].filter((name) => !isKnown(name));
}

const metrics = new Set([...textOf('metrics.md').matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name));

const settings = new Set(
  [...serviceOptions, ...collectorOptions, ...enricherOptions, ...queryApiOptions].flatMap(({ key }) => [
    key,
    `${key}File`,
  ]),
);
const groups = new Set([...settings].filter((key) => key.includes('.')).map((key) => key.split('.')[0]));

/** The text of all programs, in which a quoted log message must occur. */
const sources = execFileSync(
  'git',
  ['grep', '-hE', '[a-z] [a-z]', '--', ...['*.ts', '*.c', '*.h'], ...[':!*.test.ts', ':!test']],
  { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 },
);

/** Figures of benchmarks are named like settings. */
const withSettings = pages.filter((page) => page !== 'benchmarks.md');

describe.each(withSettings)('docs/%s', (page) => {
  it('names metrics that exist', () => {
    const name = /`(sonde_[a-z_]*[a-z])(?:\{[^`]*)?`/g;
    expect(unknown(page, name, (metric) => metrics.has(metric))).toEqual([]);
  });

  it('names settings that exist', () => {
    const name = /`([a-z]+\.[a-z]\w*)`/g;
    const isOther = (key: string) =>
      !groups.has(key.split('.')[0] ?? '') || /\.(ts|js|md|c|h|proto|sh|ya?ml)$/.test(key);
    expect(unknown(page, name, (key) => settings.has(key) || isOther(key))).toEqual([]);
  });
});

describe.each(pages.filter((page) => page.startsWith('troubleshooting/')))('docs/%s', (page) => {
  it('quotes log messages that exist', () => {
    const message = /`((?!sonde )[a-z]+(?:[;,]? [a-z/-]+){2,})`/g;
    expect(unknown(page, message, (text) => sources.includes(text))).toEqual([]);
  });
});
