import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { toCalicoApi } from '@sonde/model/cluster/calico-object';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { type Document, LineCounter } from 'yaml';
import { type Bounds, documentsOf } from './documents.js';
import { UnreadableYamlError } from './nesting.js';
import { findNonJson } from './json-compatibility.js';

/** A Kubernetes object and its position. */
export interface ManifestObject {
  readonly object: KubernetesObject;
  readonly file: string;
  /** First line of the document, from 1. */
  readonly line: number;
}

/** A document that is not a Kubernetes object, or not valid YAML or JSON. */
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
 * Reads Kubernetes manifests from files and folders (recursively, in the order of names). A file may contain several
 * documents, and a document may be a `List`. Documents that cannot be read are reported as problems.
 * @throws Error from the file system if a given path does not exist.
 */
export async function readManifests(paths: readonly string[]): Promise<Manifests> {
  const objects: ManifestObject[] = [];
  const problems: ManifestProblem[] = [];
  for (const given of paths) {
    for (const file of await manifestFiles(given)) {
      const read = await parseManifests(await readFile(file, 'utf8'), file);
      objects.push(...read.objects);
      problems.push(...read.problems);
    }
  }
  return { objects, problems };
}

/** Files on the command line are not limited. */
const UNBOUNDED: Bounds = { maxTokens: Infinity };

/**
 * Reads manifests from text, and yields to the event loop meanwhile; `file` is for messages. JSON is read as YAML.
 * @throws the reason of the signal in `bounds`.
 */
export async function parseManifests(text: string, file: string, bounds = UNBOUNDED): Promise<Manifests> {
  const objects: ManifestObject[] = [];
  const problems: ManifestProblem[] = [];
  const lines = new LineCounter();
  try {
    for await (const document of documentsOf(text, lines, bounds)) {
      const read = readDocument(document, file, lines, bounds);
      objects.push(...read.objects);
      problems.push(...read.problems);
    }
  } catch (error) {
    if (!(error instanceof UnreadableYamlError)) throw error;
    problems.push({ file, line: error.line, reason: error.message });
  }
  return { objects, problems };
}

function readDocument(
  document: Document.Parsed,
  file: string,
  lines: LineCounter,
  { maxTokens }: Bounds,
): Manifests {
  const lineAt = (offset: number) => lines.linePos(offset).line;
  const line = lineAt(document.contents?.range[0] ?? document.range[0]);
  const problem = (at: number, reason: string) => ({ objects: [], problems: [{ file, line: at, reason }] });
  const [wrong] = [...document.errors, ...document.warnings];
  if (wrong) return problem(lineAt(wrong.pos[0]), wrong.message);
  const flaw = findNonJson(document);
  if (flaw) return problem(lineAt(flaw.offset), flaw.reason);
  try {
    const value: unknown = document.toJS();
    const values = countValues(value, maxTokens);
    if (values === Infinity || values > maxTokens) {
      return problem(line, 'its aliases stand for too much: give its objects without them');
    }
    return value === null || value === undefined
      ? { objects: [], problems: [] }
      : readObjects(value, file, line);
  } catch (error) {
    // Thrown by the parser for too many expanded aliases.
    if (!(error instanceof ReferenceError)) throw error;
    return problem(line, `cannot be read: ${error.message}`);
  }
}

/** Reads a JSON value as a Kubernetes object or a list of objects; `file` and `line` are its position. */
export function readObjects(value: unknown, file: string, line: number): Manifests {
  const objects: ManifestObject[] = [];
  const problems: ManifestProblem[] = [];
  for (const item of itemsOf(value)) {
    const reason = objectProblem(item);
    if (reason === undefined) objects.push({ object: toCalicoApi(item as KubernetesObject), file, line });
    else problems.push({ file, line, reason });
  }
  return { objects, problems };
}

/** Maximum nesting with expanded aliases. */
const MAX_LEVELS = 200;

/**
 * Counts the values within a value, repeated ones repeatedly. Stops counting above `max`, and returns infinity above
 * a maximum of levels.
 */
function countValues(value: unknown, max: number, levels = MAX_LEVELS): number {
  let count = 1;
  if (typeof value !== 'object' || value === null) return count;
  if (levels === 0) return Infinity;
  for (const inner of Object.values(value)) {
    count += countValues(inner, max - count, levels - 1);
    if (count > max) break;
  }
  return count;
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

function objectProblem(value: unknown): string | undefined {
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
