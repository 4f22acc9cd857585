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

/** The tables that requests are answered from. */
export type VisibleTable = 'flows' | 'dns' | 'cluster_objects';

/**
 * What stands after FROM in every statement of the API: the table for who may view all namespaces, else a subquery with
 * the same columns of what `access` lets be seen of it. Nothing else in query-api names a table, so what is asked,
 * counted or sorted by is always what may be seen.
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
 * Objects in the namespaces, the namespaces themselves, and tiers, which every policy is in. Other objects in no
 * namespace stay out: their selectors name namespaces.
 */
function objectsOf(own: string): string {
  return `(SELECT * FROM cluster_objects
    WHERE namespace IN ${own} OR (namespace = '' AND (kind = 'Tier' OR (kind = 'Namespace' AND name IN ${own}))))`;
}

function recordsTouching(
  { name: table, fields }: RecordTable,
  reductions: Readonly<Record<string, Redaction>>,
  ends: readonly Side[],
  own: string,
  parameters: SqlParameters,
): string {
  const seen = { ends, own, stepPattern: parameters.add(stepNamespace, 'String') };
  const columns = fields.map((field) => {
    const reduction = reductions[field.name];
    // Types see to it that there is one; a table that outgrew them must rather fail than show.
    if (!reduction) throw new Error(`${table}.${field.name} has no rule of who may see it`);
    if (reduction.rule === 'shown') return field.name;
    return `${reduced(field, reduction, seen)} AS ${field.name}`;
  });
  const marks = [
    ...ends.flatMap((end) => marksOf(end, own)),
    ...(ends.length > 1 ? [`dst_service_namespace IN ${own} AS own_service`] : []),
  ];
  return `(SELECT ${columns.join(', ')} FROM (SELECT *, ${marks.join(', ')} FROM ${table}
    WHERE ${ends.map((end) => isOwn(end, own)).join(' OR ')}) AS r)`;
}

/** What reductions depend on besides the record: placeholders of the namespaces and of the pattern of steps. */
interface Seen {
  readonly ends: readonly Side[];
  readonly own: string;
  readonly stepPattern: string;
}

/** An end whose pod or service is in one of the namespaces. */
function isOwn(end: Side, own: string): string {
  return `(${end}_namespace IN ${own} AND ${end}_kind != 'network_set')`;
}

/** What the reductions need to know of an end, worked out once a record. */
function marksOf(end: Side, own: string): string[] {
  return [
    `${isOwn(end, own)} AS ${end}_is_own`,
    `${end}_kind = 'network_set' AS ${end}_is_set`,
    `${end}_kind != 'network_set' AND ${end}_namespace != '' AND ${end}_namespace NOT IN ${own} AS ${end}_is_foreign`,
    // Those that may be seen of the network sets, most specific first.
    `arrayFilter(s -> position(s, '/') = 0 OR has(${own}, splitByChar('/', s)[1]), splitByChar(',', toString(${end}_network_sets))) AS ${end}_sets`,
  ];
}

/** A field of a record `r` with its marks as its reduction has it, of the field's type. */
function reduced(field: FieldDeclaration, reduction: Redaction, { ends, own, stepPattern }: Seen): string {
  const { name } = field;
  const value = `r.${name}`;
  const isForeign = (end: Side) => `${end}_is_foreign`;
  switch (reduction.rule) {
    case 'shown':
      return value;
    case 'named':
      return text(`if(${isForeign(reduction.end)}, '', ${value})`);
    case 'own':
      return shownIf(`${reduction.end}_is_own`, field);
    case 'networkSets':
      return text(`arrayStringConcat(${reduction.end}_sets, ',')`);
    case 'kind': {
      const { end } = reduction;
      return `if(${end}_is_set AND ${end}_sets[1] = '', CAST('external', '${columnType(field).replaceAll("'", "\\'")}'), ${value})`;
    }
    case 'namespace':
      return nameOr(
        reduction.end,
        value,
        (set) => `if(position(${set}, '/') = 0, '', splitByChar('/', ${set})[1])`,
      );
    case 'name':
      return nameOr(reduction.end, value, (set) => `splitByChar('/', ${set})[-1]`);
    case 'labels':
      return text(`if(${reduction.end}_is_set OR ${isForeign(reduction.end)}, '', ${value})`);
    case 'ownNode': {
      const isOwnNode = ends.map((end) => `(${end}_is_own AND r.${end}_node = ${value})`).join(' OR ');
      return text(`if(${isOwnNode}, ${value}, '')`);
    }
    case 'service':
      return text(`if(own_service, ${value}, '')`);
    case 'serviceAddress':
      return shownIf('(own_service OR src_is_own)', field);
    case 'trace':
      return text(
        `if(${value} = '', '', ${seenTrace(`toString(${value})`, ends.map(isForeign), own, stepPattern)})`,
      );
  }
}

/**
 * The steps of a trace that may be seen, counted from 0 for each end, so that nothing tells how many there were besides.
 * Steps of one end follow each other, and those of the next begin with its 0.
 */
function seenTrace(trace: string, foreign: readonly string[], own: string, stepPattern: string): string {
  const namespace = `arrayStringConcat(extractGroups(one.1, ${stepPattern}))`;
  const isSeen = `if(${namespace} = '', NOT (${foreign.join(' OR ')}), has(${own}, ${namespace}))`;
  const numbered = `arrayMap((one, place) -> concat(toString(place - 1), substring(one.1, position(one.1, '|'))),
    seen, arrayEnumerateUniq(arrayMap(one -> one.2, seen)))`;
  return `arrayMap(seen -> arrayStringConcat(${numbered}, ','), arrayMap(
    steps -> arrayFilter(one -> ${isSeen}, arrayZip(steps, arrayCumSum(step -> startsWith(step, '0|'), steps))),
    [splitByChar(',', ${trace})]))[1]`;
}

function nameOr(end: Side, value: string, part: (set: string) => string): string {
  return text(`multiIf(${end}_is_set, ${part(`${end}_sets[1]`)}, ${end}_is_foreign, '', ${value})`);
}

function shownIf(condition: string, { name, type }: FieldDeclaration): string {
  if (type === 'text') return text(`if(${condition}, r.${name}, '')`);
  return `if(${condition}, r.${name}, defaultValueOfArgumentType(r.${name}))`;
}

/** The result of a condition has a type of its own; filters count on that of the field. */
function text(expression: string): string {
  return `toLowCardinality(toString(${expression}))`;
}
