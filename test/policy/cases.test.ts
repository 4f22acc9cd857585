import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { readManifestCluster } from '@sonde/model/policy/manifests/cluster';
import { evaluateNamed } from '@sonde/model/policy/manifests/connection';
import { readPolicyObject } from '@sonde/model/policy/read-object';
import { selects } from '@sonde/model/policy/selector/evaluate';
import { formatSelector } from '../builders/selector-text.js';
import { parseSelector } from '@sonde/model/policy/selector/parse';
import { describe, expect, it } from 'vitest';
import {
  answersOf,
  casesFolder,
  readPolicyCases,
  readSelectorCases,
  type CaseConnection,
  type PolicyCase,
  type SelectorCase,
} from './cases.js';

const folder = casesFolder();
if (!folder) console.log('No cases of other projects: there is no ../shared/cases beside the repository.');

describe.skipIf(!folder)('the evaluator gives the verdicts that other projects document', () => {
  for (const [source, cases] of folder ? readPolicyCases(folder) : []) {
    it(`${source}: ${cases.length} cases`, () => {
      const failures = cases.flatMap(failuresOf);
      const connections = cases.reduce((sum, { connections: all }) => sum + all.length, 0);
      console.log(
        `${source}: ${cases.length} cases, ${connections} connections, ${failures.length} failures`,
      );
      expect(failures).toEqual([]);
    });
  }
});

describe.skipIf(!folder)("selectors give the results of Calico's selector tests", () => {
  for (const statement of folder ? readSelectorCases(folder) : []) {
    it(`${statement.selector.slice(0, 60)} ${JSON.stringify(statement.labels ?? statement.field ?? '')}`, () => {
      expectSelector(statement);
    });
  }
});

function failuresOf(policyCase: PolicyCase): string[] {
  const { cluster, problems } = readManifestCluster(
    [...policyCase.objects, ...policyCase.policies],
    answersOf(policyCase),
  );
  const unread = problems.map(
    ({ object, field, reason }) => `${policyCase.name}: ${object} ${field} ${reason}`,
  );
  return [...unread, ...policyCase.connections.flatMap((connection) => mismatches(policyCase, connection))];

  function mismatches({ name }: PolicyCase, connection: CaseConnection): string[] {
    const { expect: verdict, pending_expect: pending, directions, ...asked } = connection;
    const result = evaluateNamed(cluster, asked);
    const compared: (readonly [string, string, string | undefined])[] = [
      ['verdict', result.verdict, verdict],
      ['pending', result.pending.verdict, pending],
      ['egress', result.egress.verdict, directions?.egress],
      ['ingress', result.ingress.verdict, directions?.ingress],
    ];
    return compared
      .filter(([, actual, expected]) => expected !== undefined && actual !== expected)
      .map(
        ([what, actual, expected]) =>
          `${name}: ${JSON.stringify(asked)} ${what} ${actual}, not ${expected ?? ''}`,
      );
  }
}

function expectSelector({ selector, labels, match, valid, field, canonical }: SelectorCase): void {
  if (canonical !== undefined) expect(formatSelector(parseSelector(selector))).toBe(canonical);
  if (match !== undefined) {
    expect(selects(parseSelector(selector), new Map(Object.entries(labels ?? {})))).toBe(match);
  }
  if (valid === undefined) return;
  if (field !== undefined)
    expect(readPolicyObject(policyWith(field, selector)).is === 'resource').toBe(valid);
  else if (valid) expect(() => parseSelector(selector)).not.toThrow();
  else expect(() => parseSelector(selector)).toThrow();
}

/** A policy with the selector in the field that the statement names. */
function policyWith(field: string, selector: string): KubernetesObject {
  const [, place = '', name = ''] = /^(.*?)(?:spec\.)?(\w+)$/.exec(field) ?? [];
  const inRule = place.startsWith('rule');
  const global = place.startsWith('Global');
  const spec = inRule
    ? { ingress: [{ action: 'Allow', source: { [name]: selector } }] }
    : { [name]: selector };
  return {
    apiVersion: 'projectcalico.org/v3',
    kind: global ? 'GlobalNetworkPolicy' : 'NetworkPolicy',
    metadata: { name: 'p', ...(global ? {} : { namespace: 'default' }) },
    spec,
  } as KubernetesObject;
}
