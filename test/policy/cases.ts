import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAddress } from '@sonde/model/net/address';
import type { KubernetesObject } from '@sonde/model/cluster/objects';

/** A case of another project: objects, policies, and connections with the verdicts that the project states. */
export interface PolicyCase {
  readonly name: string;
  readonly objects: readonly KubernetesObject[];
  readonly policies: readonly KubernetesObject[];
  readonly dns?: Readonly<Record<string, readonly string[]>>;
  readonly connections: readonly CaseConnection[];
}

export interface CaseConnection {
  readonly from: string;
  readonly to: string;
  readonly protocol: string | number;
  readonly expect: Verdict;
  readonly pending_expect?: Verdict;
  readonly directions?: { readonly egress: Verdict; readonly ingress: Verdict };
}

type Verdict = 'allow' | 'deny';

/** Statements of Calico's own selector tests. */
export interface SelectorCase {
  readonly selector: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly match?: boolean;
  readonly valid?: boolean;
  readonly field?: string;
  readonly canonical?: string;
}

/** The folder of the cases beside the repository; undefined if it does not exist. */
export function casesFolder(): string | undefined {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'package-lock.json'))) {
    if (path.dirname(folder) === folder) return undefined;
    folder = path.dirname(folder);
  }
  const cases = path.join(folder, '../shared/cases');
  return existsSync(cases) ? cases : undefined;
}

/** The cases by project. */
export function readPolicyCases(folder: string): Map<string, PolicyCase[]> {
  const bySource = new Map<string, PolicyCase[]>();
  for (const file of readdirSync(path.join(folder, 'policy')).sort()) {
    const text = readFileSync(path.join(folder, 'policy', file), 'utf8');
    const [source = ''] = file.split('--');
    bySource.set(source, [...(bySource.get(source) ?? []), JSON.parse(text) as PolicyCase]);
  }
  return bySource;
}

export function readSelectorCases(folder: string): SelectorCase[] {
  return JSON.parse(readFileSync(path.join(folder, 'selectors.json'), 'utf8')) as SelectorCase[];
}

/** The DNS answers of a case as the evaluator needs them. */
export function answersOf({ dns }: PolicyCase): Map<string, Uint8Array[]> | undefined {
  if (!dns) return undefined;
  return new Map(Object.entries(dns).map(([name, addresses]) => [name, addresses.map(parseAddress)]));
}
