import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findRenamedTerms } from './vocabulary.js';

describe('the vocabulary check', () => {
  it.each([
    ['backbone/store/store.ts', 'const MOST_ROWS = 5;', /store\.ts:1: "MOST_R" .* MAX_…/],
    ['docs/policies.md', '# Policies\n\nFlows that would fare otherwise', /policies\.md:3: "fare otherwise"/],
    ['query-api/workloads/plugin.ts', "['talksTo']", /write outbound, inbound/],
    ['model/dns/fields.ts', '/** The time of the look-up. */', /write lookup/],
    ['cli/reader-left.ts', 'export {};', /^cli\/reader-left\.ts: "reader-left" was renamed/],
    ['docs/cli.md', 'Shows an client', /“a” before a consonant/],
    ['query/policies/evaluate.ts', 'export interface KnownEnds {', /write endpoint, request/],
    ['query-api/access/token-cache.ts', 'class RecognizedTokens', /write token cache/],
    ['docs/metrics.md', '`sonde_probe_count`', /metrics of docs/],
    ['docs/policies.md', 'The policy board lists', /write policy activity/],
    ['docs/benchmarks.md', 'measured by turns', /alternating runs/],
    ['query-api/server.ts', '/** Tells who asks. */', /write the caller/],
    ['enricher/watch/follow-manifests.ts', "'a manifest was passed over'", /write ignored, skipped/],
    ['enricher/pipeline/enricher.ts', '// tries for ever', /write forever/],
    ['docs/access.md', 'empty, as though it were unknown', /write as if/],
    ['model/policy/evaluator.ts', '// The policies are evaluateed', /write evaluated/],
    [
      'backbone/configuration/read.ts',
      "log.info('configuration reloaded again')",
      /write evaluated, repeated, reloaded/,
    ],
  ])('reports a renamed term with the place and the new term: %s', (file, content, finding) => {
    expect(findRenamedTerms(file, content)).toEqual([expect.stringMatching(finding)]);
  });

  it.each([
    ['backbone/store/store.ts', 'const MAX_ROWS = 5; // what most readers need'],
    ['docs/glossary.md', '`look-up` is written lookup'],
    ['deploy/lab/storefront/recorded/node-a.pcap', 'tally'],
  ])('accepts standard terms, the glossary itself, and files that are not text: %s', (file, content) => {
    expect(findRenamedTerms(file, content)).toEqual([]);
  });
});

describe('the spell check', () => {
  const spell = (word: string) =>
    spawnSync('npx', ['--no-install', 'cspell', 'lint', '--no-progress', 'stdin://docs/planted.md'], {
      cwd: path.resolve(import.meta.dirname, '../..'),
      input: `A page about ${word}.\n`,
      encoding: 'utf8',
    });

  it.each(['conection', 'colour', 'behaviour'])('refuses a misspelled or British word: %s', (word) => {
    const { status, stdout } = spell(word);
    expect(status).toBe(1);
    expect(stdout).toContain(word);
  });

  it.each(['connection', 'color', 'flowprobe', 'nftables'])(
    'accepts American spelling and the project’s words: %s',
    (word) => {
      expect(spell(word).status).toBe(0);
    },
  );
});
