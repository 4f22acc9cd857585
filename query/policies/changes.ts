import { timeText } from '@sonde/model/filter/sql';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { createTwoFilesPatch } from 'diff';
import { stringify } from 'yaml';
import { visibleRecords } from '../access/visible.js';
import { select } from '../records/record-query.js';
import type { QueryContext } from '../context/query-context.js';
import { SqlParameters } from '../sql/parameters.js';
import type { TimeRange } from '../time-range.js';
import { type ObjectReference, referenceOf } from './references.js';

/** Kinds that policies depend on, which are listed only on request. */
const DEPENDENCY_KINDS = ['Namespace', 'ServiceAccount', 'Node', 'PortNames', 'Service', 'EndpointSlice'];

export interface ChangesQuery {
  readonly cluster: string;
  readonly range: TimeRange;
  readonly kind?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly limit: number;
}

/** A change of an object. */
export interface PolicyVersion extends ObjectReference {
  readonly time: string;
  readonly change: 'created' | 'changed' | 'deleted';
  /** Author of the change, if known. */
  readonly user?: string;
  /** Unified diff of the YAML from the previous version. */
  readonly diff: string;
}

interface Row {
  readonly changed_ms: string;
  readonly changed_by: string;
  readonly gone: boolean;
  readonly manifest: string;
  readonly before: string;
  readonly was_gone: boolean;
}

/** A page of changes, and whether there are more. */
export interface PolicyVersions {
  readonly changes: readonly PolicyVersion[];
  readonly more: boolean;
}

/** Changes of policies and of the resources that they refer to in a time range, the latest first. */
export async function policyChanges(context: QueryContext, query: ChangesQuery): Promise<PolicyVersions> {
  const parameters = new SqlParameters();
  const time = (ms: number) => parameters.add(timeText(ms), "DateTime64(3, 'UTC')");
  const conditions = [`cluster = ${parameters.add(query.cluster, 'String')}`];
  if (query.kind === undefined)
    conditions.push(`kind NOT IN ${parameters.add(DEPENDENCY_KINDS, 'Array(String)')}`);
  for (const field of ['kind', 'namespace', 'name'] as const) {
    const value = query[field];
    if (value !== undefined) conditions.push(`${field} = ${parameters.add(value, 'String')}`);
  }
  const object = 'PARTITION BY api_version, kind, namespace, name ORDER BY changed_at, version';
  const previous = (column: string) =>
    `lagInFrame(${column}) OVER (${object} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)`;
  // A version may be stored several times, by several enrichers; equal successive manifests are one version.
  const rows = await select<Row>(
    context,
    `SELECT toUnixTimestamp64Milli(changed_at) AS changed_ms, changed_by, deleted AS gone, manifest, before, was_gone
     FROM (
       SELECT *, ${previous('manifest')} AS before, ${previous('deleted')} AS was_gone
       FROM (
         SELECT * FROM ${visibleRecords('cluster_objects', context.access, parameters)}
         WHERE ${conditions.join(' AND ')}
         ORDER BY seen_at DESC LIMIT 1 BY api_version, kind, namespace, name, version
       )
     )
     WHERE changed_at >= ${time(query.range.from)} AND changed_at < ${time(query.range.to)}
       AND (manifest != before OR gone != was_gone)
     ORDER BY changed_at DESC, kind, namespace, name LIMIT ${parameters.add(query.limit + 1, 'UInt32')}`,
    parameters,
  );
  return { changes: rows.slice(0, query.limit).map(versionOf), more: rows.length > query.limit };
}

function versionOf({ changed_ms, changed_by, gone, manifest, before, was_gone }: Row): PolicyVersion {
  const object = JSON.parse(manifest) as KubernetesObject;
  const wasThere = before !== '' && !was_gone;
  return {
    ...referenceOf(object),
    time: new Date(Number(changed_ms)).toISOString(),
    change: gone ? 'deleted' : wasThere ? 'changed' : 'created',
    ...(changed_by === '' ? {} : { user: changed_by }),
    diff: unifiedDiff(object, wasThere ? before : '', gone ? '' : manifest),
  };
}

/** The difference of the YAML of two manifests as a unified diff; an empty string means that there is no object. */
function unifiedDiff({ kind, metadata }: KubernetesObject, before: string, after: string): string {
  const file = [kind, metadata.namespace, metadata.name].filter(Boolean).join('/');
  const yaml = (manifest: string) => (manifest === '' ? '' : stringify(JSON.parse(manifest)));
  const names = [
    before === '' ? '/dev/null' : `a/${file}`,
    after === '' ? '/dev/null' : `b/${file}`,
  ] as const;
  return createTwoFilesPatch(...names, yaml(before), yaml(after), undefined, undefined, {
    headerOptions: { includeIndex: false, includeUnderline: false, includeFileHeaders: true },
  });
}
