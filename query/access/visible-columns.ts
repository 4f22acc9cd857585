import { stringAt } from '@sonde/model/record/string-column';
import type { DnsField } from '@sonde/model/dns/fields';
import { dnsFields } from '@sonde/model/dns/fields';
import {
  type ColumnByType,
  columnOf,
  type ColumnsOf,
  type Column,
  type Records,
  type StringColumn,
} from '@sonde/model/record/columns';
import type { FieldDeclaration } from '@sonde/model/record/field';
import { type FlowField, flowFields } from '@sonde/model/flow/fields';
import type { Access } from './access.js';
import { dnsRedactions, type Side, flowRedactions, type Redaction, stepNamespace } from './redaction.js';

/** What `access` lets be seen of flows that are not in the store yet: the rule of `visibleRecords`, on columns. */
export function visibleFlows(flows: Records<FlowField>, access: Access): Records<FlowField> {
  return visibleColumns(flowFields, flowRedactions, ['src', 'dst'], flows, access);
}

/** The same of DNS lookups. */
export function visibleDns(lookups: Records<DnsField>, access: Access): Records<DnsField> {
  return visibleColumns(dnsFields, dnsRedactions, ['src'], lookups, access);
}

function visibleColumns<Field extends FieldDeclaration>(
  fields: readonly Field[],
  reductions: Readonly<Record<Field['name'], Redaction>>,
  ends: readonly Side[],
  records: Records<Field>,
  access: Access,
): Records<Field> {
  const namespaces = access.namespaces('view');
  if (namespaces === 'all') return records;
  const reduction = new ColumnReduction(fields, records, new Set(namespaces), ends);
  const columns = fields.map((field) => {
    const rule = reductions[field.name as Field['name']];
    return [field.name, reduction.column(field, rule)] as const;
  });
  return { rows: reduction.rows.length, columns: Object.fromEntries(columns) as ColumnsOf<Field> };
}

/** What is known of an end in each row: 1 where it is so. */
interface EndMarks {
  readonly own: Uint8Array;
  readonly foreign: Uint8Array;
  readonly networkSet: Uint8Array;
  /** The most specific network set that may be seen; empty if there is none. */
  readonly firstSet: StringColumn;
}

/** Works on dictionaries where it can: what it decides by text is decided once a text, then looked up by row. */
class ColumnReduction<Field extends FieldDeclaration> {
  /** The rows that touch a namespace of the reader's. */
  readonly rows: Uint32Array;
  readonly #marks: Readonly<Partial<Record<Side, EndMarks>>>;

  constructor(
    private readonly fields: readonly Field[],
    private readonly records: Records<Field>,
    private readonly namespaces: ReadonlySet<string>,
    private readonly ends: readonly Side[],
  ) {
    this.#marks = Object.fromEntries(ends.map((end) => [end, this.#endMarks(end)]));
    const touching: number[] = [];
    for (let row = 0; row < records.rows; row++) {
      if (ends.some((end) => this.#end(end).own[row] === 1)) touching.push(row);
    }
    this.rows = Uint32Array.from(touching);
  }

  /** The column of the rows that may be seen. */
  column(field: Field, reduction: Redaction): Column {
    const column = columnOf(this.records.columns, field);
    switch (reduction.rule) {
      case 'shown':
        return this.#rowsOf(column);
      case 'named': {
        const { foreign } = this.#end(reduction.end);
        return this.#blankedUnless(column, (row) => foreign[row] === 0);
      }
      case 'own': {
        const { own } = this.#end(reduction.end);
        return this.#blankedUnless(column, (row) => own[row] === 1);
      }
      case 'networkSets':
        return this.#rowsOf(mapped(column as StringColumn, (sets) => this.#seenSets(sets).join(',')));
      case 'kind':
        return this.#kind(field, column as Uint8Array, this.#end(reduction.end));
      case 'namespace':
        return this.#setPartOr(column as StringColumn, reduction.end, (set) => set.split('/').at(-2) ?? '');
      case 'name':
        return this.#setPartOr(column as StringColumn, reduction.end, (set) => set.split('/').at(-1) ?? '');
      case 'labels': {
        const { foreign, networkSet } = this.#end(reduction.end);
        return this.#blankedUnless(column, (row) => foreign[row] === 0 && networkSet[row] === 0);
      }
      case 'ownNode':
        return this.#ownNode(column as StringColumn);
      case 'service': {
        const own = this.#inOwn(this.#text('dst_service_namespace'));
        return this.#blankedUnless(column, (row) => own[row] === 1);
      }
      case 'serviceAddress': {
        const own = this.#inOwn(this.#text('dst_service_namespace'));
        const client = this.#end('src').own;
        return this.#blankedUnless(column, (row) => own[row] === 1 || client[row] === 1);
      }
      case 'trace':
        return this.#trace(column as StringColumn);
    }
  }

  #end(end: Side): EndMarks {
    const marks = this.#marks[end];
    if (!marks) throw new Error(`these records have no end ${end}`);
    return marks;
  }

  #endMarks(end: Side): EndMarks {
    const namespace = this.#text(`${end}_namespace`);
    const own = this.#inOwn(namespace);
    const foreign = new Uint8Array(own.length);
    const kinds = this.#column(`${end}_kind`) as Uint8Array;
    const setKind = this.#field(`${end}_kind`).values?.indexOf('network_set');
    const networkSet = Uint8Array.from(kinds, (kind) => (kind === setKind ? 1 : 0));
    for (let row = 0; row < own.length; row++) {
      if (networkSet[row] === 1) own[row] = 0;
      else if (own[row] === 0 && stringAt(namespace, row) !== '') foreign[row] = 1;
    }
    const firstSet = mapped(this.#text(`${end}_network_sets`), (sets) => this.#seenSets(sets)[0] ?? '');
    return { own, foreign, networkSet, firstSet };
  }

  #field(name: string): Field {
    const field = this.fields.find((one) => one.name === name);
    if (!field) throw new Error(`these records have no field ${name}`);
    return field;
  }

  #column(name: string): Column {
    return columnOf(this.records.columns, this.#field(name));
  }

  #text(name: string): StringColumn {
    return this.#column(name) as StringColumn;
  }

  /** 1 for the rows whose text is one of the reader's namespaces. */
  #inOwn({ indexes, dictionary }: StringColumn): Uint8Array {
    const own = dictionary.map((namespace) => (this.namespaces.has(namespace) ? 1 : 0));
    return Uint8Array.from(indexes, (index) => own[index] ?? 0);
  }

  /** Those of a list of network sets that are in one of the reader's namespaces, or in none. */
  #seenSets(list: string): string[] {
    return list
      .split(',')
      .filter((set) => !set.includes('/') || this.namespaces.has(set.split('/')[0] ?? ''));
  }

  /** An address that only network sets of other namespaces name is an external one. */
  #kind(field: Field, kinds: Uint8Array, { networkSet, firstSet }: EndMarks): Uint8Array {
    const external = field.values?.indexOf('external') ?? 0;
    return Uint8Array.from(this.rows, (row) =>
      networkSet[row] === 1 && stringAt(firstSet, row) === '' ? external : (kinds[row] ?? 0),
    );
  }

  #setPartOr(column: StringColumn, end: Side, part: (set: string) => string): StringColumn {
    const { foreign, networkSet, firstSet } = this.#end(end);
    const parts = mapped(firstSet, part);
    const offset = column.dictionary.length;
    const blank = offset + parts.dictionary.length;
    return {
      dictionary: [...column.dictionary, ...parts.dictionary, ''],
      indexes: this.rows.map((row) => {
        if (networkSet[row] === 1) return offset + (parts.indexes[row] ?? 0);
        return foreign[row] === 1 ? blank : (column.indexes[row] ?? 0);
      }),
    };
  }

  #ownNode(column: StringColumn): StringColumn {
    const nodes = this.ends.map((end) => ({ own: this.#end(end).own, node: this.#text(`${end}_node`) }));
    return this.#blankedUnless(column, (row) =>
      nodes.some(({ own, node }) => own[row] === 1 && stringAt(node, row) === stringAt(column, row)),
    );
  }

  #trace(column: StringColumn): StringColumn {
    const steps = column.dictionary.map(stepsOf);
    const texts = [true, false].flatMap((withoutNamespace) =>
      steps.map((trace) =>
        numbered(
          trace.filter(({ namespace }) =>
            namespace === '' ? withoutNamespace : this.namespaces.has(namespace),
          ),
        ),
      ),
    );
    const foreign = this.ends.map((end) => this.#end(end).foreign);
    return {
      dictionary: texts,
      indexes: this.rows.map((row) => {
        const index = column.indexes[row] ?? 0;
        return foreign.some((marks) => marks[row] === 1) ? steps.length + index : index;
      }),
    };
  }

  #rowsOf(column: Column): Column {
    return this.#blankedUnless(column, () => true);
  }

  /** The rows that may be seen, empty or zero where `keep` says no. */
  #blankedUnless<Kind extends Column>(column: Kind, keep: (row: number) => boolean): Kind;
  #blankedUnless(column: Column, keep: (row: number) => boolean): Column {
    if (!ArrayBuffer.isView(column)) {
      const blank = column.dictionary.length;
      return {
        dictionary: [...column.dictionary, ''],
        indexes: this.rows.map((row) => (keep(row) ? (column.indexes[row] ?? blank) : blank)),
      };
    }
    const width = column.length / this.records.rows;
    const kept = new (column.constructor as new (length: number) => ColumnByType['uint8'])(
      this.rows.length * width,
    );
    for (const [to, row] of this.rows.entries()) {
      if (keep(row)) kept.set((column as Uint8Array).subarray(row * width, (row + 1) * width), to * width);
    }
    return kept;
  }
}

/** A step of a trace: whose it is, and at which of the ends that the trace tells of. */
interface Step {
  readonly step: string;
  readonly namespace: string;
  readonly end: number;
}

/** The steps of a trace. Those of one end follow each other, and those of the next begin with its 0. */
function stepsOf(trace: string): Step[] {
  if (trace === '') return [];
  let end = 0;
  return trace.split(',').map((step) => {
    if (step.startsWith('0|')) end++;
    return { step, namespace: namespaceOf(step), end };
  });
}

/** A trace of some steps, counted from 0 for each end. */
function numbered(steps: readonly Step[]): string {
  const counts = new Map<number, number>();
  return steps
    .map(({ step, end }) => {
      const place = counts.get(end) ?? 0;
      counts.set(end, place + 1);
      return `${place}${/[|].*/.exec(step)?.[0] ?? ''}`;
    })
    .join(',');
}

const STEP_NAMESPACE = new RegExp(stepNamespace);

function namespaceOf(step: string): string {
  return STEP_NAMESPACE.exec(step)?.slice(1).join('') ?? '';
}

/** A text column with each text replaced by what `change` makes of it. */
function mapped({ indexes, dictionary }: StringColumn, change: (text: string) => string): StringColumn {
  return { indexes, dictionary: dictionary.map(change) };
}
