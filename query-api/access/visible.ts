import { columnType, dnsTable, flowsTable, type RecordTable } from '@sonde/backbone/store/schema';
import type { FieldDeclaration } from '@sonde/model/flow/field';
import type { SqlParameters } from '../sql/parameters.js';
import type { Access } from './access.js';
import { dnsReductions, type End, flowReductions, type Reduction, stepNamespace } from './reduction.js';

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
      return recordsTouching(flowsTable, flowReductions, ['src', 'dst'], own, parameters);
    case 'dns':
      return recordsTouching(dnsTable, dnsReductions, ['src'], own, parameters);
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
  reductions: Readonly<Record<string, Reduction>>,
  ends: readonly End[],
  own: string,
  parameters: SqlParameters,
): string {
  const pattern = parameters.add(stepNamespace, 'String');
  const ownEnds = ends.map((end) => isOwn(end, own));
  const reduce = new SqlReduction(ends, own, pattern);
  const columns = fields.map((field) => {
    const reduction = reductions[field.name];
    // Types see to it that there is one; a table that outgrew them must rather fail than show.
    if (!reduction) throw new Error(`${table}.${field.name} has no rule of who may see it`);
    return reduction.rule === 'shown' ? `r.${field.name}` : reduce.column(field, reduction);
  });
  return `(SELECT ${columns.join(', ')} FROM ${table} AS r WHERE ${ownEnds.join(' OR ')})`;
}

/** An end whose pod or service is in one of the namespaces. */
function isOwn(end: End, own: string): string {
  return `(r.${end}_namespace IN ${own} AND r.${end}_kind != 'network_set')`;
}

/** The reductions as SQL expressions over a record `r`. */
class SqlReduction {
  constructor(
    private readonly ends: readonly End[],
    private readonly own: string,
    private readonly stepPattern: string,
  ) {}

  /** The reduced field under its name and with its type. */
  column(field: FieldDeclaration, reduction: Reduction): string {
    // The result of a condition has a type of its own, the filters' SQL counts on the field's.
    return `CAST(${this.#expression(field, reduction)}, '${columnType(field).replaceAll("'", "\\'")}') AS ${field.name}`;
  }

  #expression(field: FieldDeclaration, reduction: Reduction): string {
    const value = `r.${field.name}`;
    switch (reduction.rule) {
      case 'shown':
        return value;
      case 'named':
        return `if(${this.#isForeign(reduction.end)}, '', ${value})`;
      case 'own':
        return `if(${isOwn(reduction.end, this.own)}, ${value}, ${emptyOf(field)})`;
      case 'networkSets':
        return `arrayStringConcat(${this.#networkSets(reduction.end)}, ',')`;
      case 'kind':
        return `if(${isNetworkSet(reduction.end)} AND ${this.#firstSet(reduction.end)} = '', 'external', toString(${value}))`;
      case 'namespace':
        return this.#nameOr(
          reduction.end,
          value,
          (set) => `if(position(${set}, '/') = 0, '', splitByChar('/', ${set})[1])`,
        );
      case 'name':
        return this.#nameOr(reduction.end, value, (set) => `splitByChar('/', ${set})[-1]`);
      case 'labels':
        return `if(${isNetworkSet(reduction.end)} OR ${this.#isForeign(reduction.end)}, '', ${value})`;
      case 'ownNode':
        return `if(${this.ends.map((end) => `(${isOwn(end, this.own)} AND r.${end}_node = ${value})`).join(' OR ')}, ${value}, '')`;
      case 'service':
        return `if(r.dst_service_namespace IN ${this.own}, ${value}, '')`;
      case 'serviceAddress':
        return `if(r.dst_service_namespace IN ${this.own} OR ${isOwn('src', this.own)}, ${value}, ${emptyOf(field)})`;
      case 'trace':
        return this.#trace(value);
    }
  }

  #nameOr(end: End, value: string, part: (set: string) => string): string {
    return `multiIf(${isNetworkSet(end)}, ${part(this.#firstSet(end))}, ${this.#isForeign(end)}, '', ${value})`;
  }

  /** An end in a namespace that is not the reader's. */
  #isForeign(end: End): string {
    return `(r.${end}_kind != 'network_set' AND r.${end}_namespace != '' AND r.${end}_namespace NOT IN ${this.own})`;
  }

  #networkSets(end: End): string {
    return `arrayFilter(s -> position(s, '/') = 0 OR has(${this.own}, splitByChar('/', s)[1]), splitByChar(',', toString(r.${end}_network_sets)))`;
  }

  /** The most specific network set that may be seen; empty if there is none. */
  #firstSet(end: End): string {
    return `${this.#networkSets(end)}[1]`;
  }

  #trace(value: string): string {
    const namespace = `arrayStringConcat(extractGroups(step, ${this.stepPattern}))`;
    const anyForeign = this.ends.map((end) => this.#isForeign(end)).join(' OR ');
    return `arrayStringConcat(arrayFilter(step -> if(${namespace} = '', NOT (${anyForeign}), has(${this.own}, ${namespace})), splitByChar(',', toString(${value}))), ',')`;
  }
}

function isNetworkSet(end: End): string {
  return `r.${end}_kind = 'network_set'`;
}

function emptyOf({ type }: FieldDeclaration): string {
  return type === 'text' ? "''" : type === 'ip' ? "toIPv6('::')" : '0';
}
