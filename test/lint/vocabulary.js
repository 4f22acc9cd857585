/**
 * Fails on terms that were renamed, in file names and in every line of every tracked text file: `npm run lint` runs it.
 * docs/glossary.md says what to write instead and why.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** Renamed terms: what must not occur, and what to write instead. */
export const renamedTerms = [
  { pattern: /\b(MOST|LEAST|LONGEST)_[A-Z]/, instead: 'MAX_…, MIN_…' },
  { pattern: /\bmost[A-Z]\w*|\blongest[A-Z]\w*/, instead: 'max…' },
  { pattern: /troubles?\b/i, instead: 'drop, drop reason, retransmit' },
  { pattern: /sightings?\b/i, instead: 'flow record, connection tracking entry' },
  { pattern: /\btakings\b/i, instead: 'eviction' },
  { pattern: /\btall(y|ies)\b/i, instead: 'counters' },
  {
    pattern: /\b(in[tT]urns?|InTurns?|in-turns?|TurnLimits)\b/,
    instead: 'concurrency limiter, serial queue, cooperative task',
  },
  { pattern: /\bselectSums\b|\bQuestionParameters\b|\breadQuestion\b/, instead: 'record query, aggregates' },
  { pattern: /\bReductions?\b|\breduceObject\b/, instead: 'redaction (access), pruning (watch)' },
  { pattern: /PolicyWorld|\btellPods\b/, instead: 'policy snapshot' },
  { pattern: /\bjudg(e|es|ed|ing)\b/i, instead: 'evaluate' },
  { pattern: /fares? otherwise/i, instead: 'would get a different verdict' },
  { pattern: /doubtful/i, instead: 'in-doubt' },
  { pattern: /StoredPlace/, instead: 'stored offset, offset range' },
  { pattern: /\b[Hh]oldings\b|\bHolding\b/, instead: 'address binding' },
  { pattern: /request\.left\b|reader-left|client-left|noticeLeaving/, instead: 'disconnect, abort, cancel' },
  { pattern: /\btakeUp\b|\b(take|takes|taken|took|taking) up\b/i, instead: 'reload, refresh, reconcile' },
  { pattern: /end-with-access|endWithAccess/, instead: 'end on access change' },
  { pattern: /\bPace\b/, instead: 'throttle' },
  { pattern: /\btalksTo\b|\bisAskedBy\b/, instead: 'outbound, inbound' },
  { pattern: /\blook-ups?\b/i, instead: 'lookup' },
  { pattern: /may not be read\b/, instead: 'not authorized to list/watch' },
  { pattern: /who may see what/i, instead: 'access control' },
  { pattern: /did not end well/i, instead: 'shutdown failed' },
  { pattern: /\b(KnownEnds|NamedEnd|ConnectionQuestion)\b/, instead: 'endpoint, request' },
  { pattern: /\b(RecognizedTokens|TokenRefused)\b/, instead: 'token cache, rejected' },
  {
    pattern: /\bsonde_probe_count\b|\bsonde_api_requests_refused_total\b/,
    instead: 'the metrics of docs/metrics.md',
  },
  { pattern: /\bpolicy board\b/i, instead: 'policy activity' },
  { pattern: /\b(by|in) turns\b/i, instead: 'alternately, in alternating runs' },
  { pattern: /\bwho asks\b/i, instead: 'the caller, the client' },
  { pattern: /\bas though\b/i, instead: 'as if' },
  { pattern: /\bpassed over\b/i, instead: 'ignored, skipped' },
  { pattern: /\bfor ever\b|\bworked out\b|\bput together of\b/i, instead: 'forever; computed; consists of' },
  { pattern: /\bevaluateed\b|\b(said|reloaded) again\b/i, instead: 'evaluated, repeated, reloaded' },
  { pattern: /\b(anew|amiss|thereof|wherefrom)\b/i, instead: 'plain English' },
  { pattern: /\ban (client|server|namespace|pod|source|destination)\b/i, instead: '“a” before a consonant' },
];

/** Where renamed terms must be named: the glossary, this check, and the settings that are refused with their new names. */
const exempt =
  /^(docs\/glossary\.md|test\/lint\/vocabulary.*|.*backbone\/configuration\/(renamed|configuration\.test)\.ts|package-lock\.json)$/;
const text = /\.(ts|tsx|js|mjs|c|h|md|json|ya?ml|sh|proto|py|go)$|Makefile$/;

/**
 * Finds renamed terms in a file's name and text.
 * @param {string} file repository-relative path
 * @param {string} content
 * @returns {string[]} one line per finding: `file:line: "term": write …`
 */
export function findRenamedTerms(file, content) {
  if (exempt.test(file) || !text.test(file)) return [];
  const found = [];
  const look = (where, line) => {
    for (const { pattern, instead } of renamedTerms) {
      const term = pattern.exec(line)?.[0];
      if (term) found.push(`${where}: "${term}" was renamed: write ${instead}`);
    }
  };
  look(file, path.basename(file));
  content.split('\n').forEach((line, at) => look(`${file}:${at + 1}`, line));
  return found;
}

function checkRepository(root) {
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0');
  const findings = files
    .filter((file) => text.test(file))
    .flatMap((file) => findRenamedTerms(file, readFileSync(path.join(root, file), 'utf8')));
  for (const finding of findings) console.error(finding);
  if (findings.length > 0) console.error(`${findings.length} renamed terms; see docs/glossary.md`);
  return findings.length === 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.exit(checkRepository(path.resolve(import.meta.dirname, '../..')) ? 0 : 1);
}
