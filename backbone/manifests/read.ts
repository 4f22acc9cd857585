import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { type Document, isCollection, LineCounter, type Node, parseAllDocuments, visit } from 'yaml';
import { deepLine } from './nesting.js';

/** A Kubernetes object and where it stands. */
export interface ManifestObject {
  readonly object: KubernetesObject;
  readonly file: string;
  /** Line of the document's beginning, from 1. */
  readonly line: number;
}

/** A document that is no Kubernetes object, or no YAML or JSON at all. */
export interface ManifestProblem {
  readonly file: string;
  readonly line: number;
  readonly reason: string;
}

export interface Manifests {
  readonly objects: readonly ManifestObject[];
  readonly problems: readonly ManifestProblem[];
}

const MANIFEST_ENDINGS = new Set(['.yaml', '.yml', '.json']);

/**
 * Reads Kubernetes manifests from files and folders (a folder with all below it, in the order of names). A file
 * may hold several documents, and a document may be a `List`. What cannot be read is a problem, not an end.
 * @throws Error from the file system if a given path does not exist.
 */
export async function readManifests(paths: readonly string[]): Promise<Manifests> {
  const objects: ManifestObject[] = [];
  const problems: ManifestProblem[] = [];
  for (const given of paths) {
    for (const file of await manifestFiles(given)) {
      const read = parseManifests(await readFile(file, 'utf8'), file);
      objects.push(...read.objects);
      problems.push(...read.problems);
    }
  }
  return { objects, problems };
}

/** Reads manifests from text; `file` is for messages. JSON is read as the YAML that it is. */
export function parseManifests(text: string, file: string): Manifests {
  const objects: ManifestObject[] = [];
  const problems: ManifestProblem[] = [];
  const deep = deepLine(text);
  if (deep !== undefined) return { objects, problems: [{ file, line: deep, reason: 'nests too deep' }] };
  const lines = new LineCounter();
  const lineAt = (offset: number) => lines.linePos(offset).line;
  // What the parser would warn of on standard error is a problem here. An empty text gives an empty list with
  // properties of its own, which still iterates.
  for (const document of parseAllDocuments(text, { lineCounter: lines, logLevel: 'error' })) {
    const line = lineAt(document.contents?.range[0] ?? document.range[0]);
    const wrong = [...document.errors, ...document.warnings][0];
    if (wrong) {
      const reason = wrong.message.split('\n')[0] ?? '';
      problems.push({ file, line: wrong.linePos?.[0].line ?? line, reason });
      continue;
    }
    try {
      const unlikeJson = whatIsNotJson(document);
      if (unlikeJson) {
        problems.push({ file, line: lineAt(unlikeJson.offset), reason: unlikeJson.reason });
        continue;
      }
      const value: unknown = document.toJS();
      if (value === null || value === undefined) continue;
      for (const item of itemsOf(value)) {
        const reason = whyNoObject(item);
        if (reason === undefined) objects.push({ object: item as KubernetesObject, file, line });
        else problems.push({ file, line, reason });
      }
    } catch (error) {
      // The parser's answer to too many expanded aliases.
      if (!(error instanceof ReferenceError)) throw error;
      problems.push({ file, line, reason: `cannot be read: ${error.message}` });
    }
  }
  return { objects, problems };
}

/** What YAML can say and JSON cannot: keys that are no text, and values within themselves. */
function whatIsNotJson(
  document: Document.Parsed,
): { readonly offset: number; readonly reason: string } | undefined {
  let found: { offset: number; reason: string } | undefined;
  const report = (node: Node, reason: string) => {
    found = { offset: node.range?.[0] ?? 0, reason };
    return visit.BREAK;
  };
  visit(document, {
    Pair: (_key, { key }) => (isCollection(key) ? report(key, 'a key is a list or an object') : undefined),
    Alias: (_key, alias, path) => {
      const target = alias.resolve(document);
      return target && path.includes(target)
        ? report(alias, `*${alias.source} stands within what it stands for`)
        : undefined;
    },
  });
  return found;
}

async function manifestFiles(given: string): Promise<string[]> {
  if (!(await stat(given)).isDirectory()) return [given];
  const entries = await readdir(given, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && MANIFEST_ENDINGS.has(path.extname(entry.name)))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

/** The objects of a document: itself, or the items of a `List` or of a JSON array. */
function itemsOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (isRecord(value) && typeof value['kind'] === 'string' && value['kind'].endsWith('List')) {
    if (Array.isArray(value['items'])) return value['items'];
  }
  return [value];
}

function whyNoObject(value: unknown): string | undefined {
  if (!isRecord(value)) return 'not an object with apiVersion, kind and metadata';
  for (const field of ['apiVersion', 'kind']) {
    if (typeof value[field] !== 'string' || value[field] === '') return `${field} is missing or not a text`;
  }
  const metadata = value['metadata'];
  if (!isRecord(metadata) || typeof metadata['name'] !== 'string' || metadata['name'] === '') {
    return `metadata.name of a ${String(value['kind'])} is missing or not a text`;
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
