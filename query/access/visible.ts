import {
  columnType,
  dnsTable,
  flowsTable,
  type RecordTable,
} from '@sonde/backbone/store/schema/record-tables';
import type { FieldDeclaration } from '@sonde/model/record/field';
import type { SqlParameters } from '../sql/parameters.js';
import type { Access } from './access.js';
import { dnsRedactions, type Side, flowRedactions, type Redaction, stepNamespace } from './redaction.js';

/** The tables that the API reads. */
export type VisibleTable = 'flows' | 'dns' | 'cluster_objects';

/**
 * The FROM clause of every statement of the API: the table for readers of all namespaces, else a subquery with the same
 * columns and only what `access` allows. No other code names a table, so filters, counts and orders only work on visible
 * values.
 */
export function visibleRecords(table: VisibleTable, access: Access, parameters: SqlParameters): string {
  const namespaces = access.namespaces('view');
  if (namespaces === 'all') return table;
  const own = parameters.add(namespaces, 'Array(String)');
  switch (table) {
    case 'flows':
      return recordsTouching(flowsTable, flowRedactions, ['src', 'dst'], own, parameters);
    case 'dns':
      return recordsTouching(dnsTable, dnsRedactions, ['src'], own, parameters);
    case 'cluster_objects':
      return objectsOf(own);
  }
}

/**
 * Objects in the namespaces, the namespaces themselves, and tiers, which every policy is in. Other objects without a
 * namespace are hidden: their selectors name namespaces.
 */
function objectsOf(own: string): string {
  return `(SELECT * FROM cluster_objects
    WHERE namespace IN ${own} OR (namespace = '' AND (kind = 'Tier' OR (kind = 'Namespace' AND name IN ${own}))))`;
}

function recordsTouching(
  { name: table, fields }: RecordTable,
  redactions: Readonly<Record<string, Redaction>>,
  ends: readonly Side[],
  own: string,
  parameters: SqlParameters,
): string {
  const context = { ends, own, stepPattern: parameters.add(stepNamespace, 'String') };
  const columns = fields.map((field) => {
    const redaction = redactions[field.name];
    // The types guarantee it; if the table has grown beyond them, failing is safer than showing.
    if (!redaction) throw new Error(`${table}.${field.name} has no redaction rule`);
    if (redaction.rule === 'shown') return field.name;
    return `${redactedSql(field, redaction, context)} AS ${field.name}`;
  });
  const marks = [
    ...ends.flatMap((end) => marksOf(end, own)),
    ...(ends.length > 1 ? [`dst_service_namespace IN ${own} AS own_service`] : []),
  ];
  return `(SELECT ${columns.join(', ')} FROM (SELECT *, ${marks.join(', ')} FROM ${table}
    WHERE ${ends.map((end) => isOwnSql(end, own)).join(' OR ')}) AS r)`;
}

/** Placeholders that redactions use: the reader's namespaces and the pattern of steps. */
interface RedactionParameters {
  readonly ends: readonly Side[];
  readonly own: string;
  readonly stepPattern: string;
}

/** A side whose pod or service is in one of the namespaces. */
function isOwnSql(end: Side, own: string): string {
  return `(${end}_namespace IN ${own} AND ${end}_kind != 'network_set')`;
}

/** What redactions need to know about a side, computed once per record. */
function marksOf(end: Side, own: string): string[] {
  return [
    `${isOwnSql(end, own)} AS ${end}_is_own`,
    `${end}_kind = 'network_set' AS ${end}_is_set`,
    `${end}_kind != 'network_set' AND ${end}_namespace != '' AND ${end}_namespace NOT IN ${own} AS ${end}_is_foreign`,
    // The visible network sets, most specific first.
    `arrayFilter(s -> position(s, '/') = 0 OR has(${own}, splitByChar('/', s)[1]), splitByChar(',', toString(${end}_network_sets))) AS ${end}_sets`,
  ];
}

/** The SQL expression of a field of a marked record `r` with its redaction applied, of the field's type. */
function redactedSql(
  field: FieldDeclaration,
  redaction: Redaction,
  { ends, own, stepPattern }: RedactionParameters,
): string {
  const { name } = field;
  const value = `r.${name}`;
  const isForeign = (end: Side) => `${end}_is_foreign`;
  switch (redaction.rule) {
    case 'shown':
      return value;
    case 'named':
      return stringSql(`if(${isForeign(redaction.end)}, '', ${value})`);
    case 'own':
      return shownIf(`${redaction.end}_is_own`, field);
    case 'networkSets':
      return stringSql(`arrayStringConcat(${redaction.end}_sets, ',')`);
    case 'kind': {
      const { end } = redaction;
      return `if(${end}_is_set AND ${end}_sets[1] = '', CAST('external', '${columnType(field).replaceAll("'", "\\'")}'), ${value})`;
    }
    case 'namespace':
      return nameOr(
        redaction.end,
        value,
        (set) => `if(position(${set}, '/') = 0, '', splitByChar('/', ${set})[1])`,
      );
    case 'name':
      return nameOr(redaction.end, value, (set) => `splitByChar('/', ${set})[-1]`);
    case 'labels':
      return stringSql(`if(${redaction.end}_is_set OR ${isForeign(redaction.end)}, '', ${value})`);
    case 'ownNode': {
      const isOwnNode = ends.map((end) => `(${end}_is_own AND r.${end}_node = ${value})`).join(' OR ');
      return stringSql(`if(${isOwnNode}, ${value}, '')`);
    }
    case 'service':
      return stringSql(`if(own_service, ${value}, '')`);
    case 'serviceAddress':
      return shownIf('(own_service OR src_is_own)', field);
    case 'trace':
      return stringSql(
        `if(${value} = '', '', ${redactedTraceSql(`toString(${value})`, ends.map(isForeign), own, stepPattern)})`,
      );
  }
}

/**
 * The visible steps of a trace, renumbered from 0 for each side, so that the number of hidden steps is not revealed.
 * The steps of the second side start with its step 0.
 */
function redactedTraceSql(
  trace: string,
  foreign: readonly string[],
  own: string,
  stepPattern: string,
): string {
  const namespace = `arrayStringConcat(extractGroups(one.1, ${stepPattern}))`;
  const isSeen = `if(${namespace} = '', NOT (${foreign.join(' OR ')}), has(${own}, ${namespace}))`;
  const numbered = `arrayMap((one, place) -> concat(toString(place - 1), substring(one.1, position(one.1, '|'))),
    seen, arrayEnumerateUniq(arrayMap(one -> one.2, seen)))`;
  return `arrayMap(seen -> arrayStringConcat(${numbered}, ','), arrayMap(
    steps -> arrayFilter(one -> ${isSeen}, arrayZip(steps, arrayCumSum(step -> startsWith(step, '0|'), steps))),
    [splitByChar(',', ${trace})]))[1]`;
}

function nameOr(end: Side, value: string, part: (set: string) => string): string {
  return stringSql(`multiIf(${end}_is_set, ${part(`${end}_sets[1]`)}, ${end}_is_foreign, '', ${value})`);
}

function shownIf(condition: string, { name, type }: FieldDeclaration): string {
  if (type === 'string') return stringSql(`if(${condition}, r.${name}, '')`);
  return `if(${condition}, r.${name}, defaultValueOfArgumentType(r.${name}))`;
}

/** Conditions change the type of an expression; filters require the field's type. */
function stringSql(expression: string): string {
  return `toLowCardinality(toString(${expression}))`;
}
