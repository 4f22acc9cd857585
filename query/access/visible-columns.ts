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

/** The visible part of flows that are not in the store yet: like `visibleRecords`, on columns. */
export function visibleFlows(flows: Records<FlowField>, access: Access): Records<FlowField> {
  return visibleColumns(flowFields, flowRedactions, ['src', 'dst'], flows, access);
}

/** Like {@link visibleFlows}, for DNS lookups. */
export function visibleDns(lookups: Records<DnsField>, access: Access): Records<DnsField> {
  return visibleColumns(dnsFields, dnsRedactions, ['src'], lookups, access);
}

function visibleColumns<Field extends FieldDeclaration>(
  fields: readonly Field[],
  redactions: Readonly<Record<Field['name'], Redaction>>,
  sides: readonly Side[],
  records: Records<Field>,
  access: Access,
): Records<Field> {
  const namespaces = access.namespaces('view');
  if (namespaces === 'all') return records;
  const redaction = new ColumnRedaction(fields, records, new Set(namespaces), sides);
  const columns = fields.map((field) => {
    const rule = redactions[field.name as Field['name']];
    return [field.name, redaction.column(field, rule)] as const;
  });
  return { rows: redaction.rows.length, columns: Object.fromEntries(columns) as ColumnsOf<Field> };
}

/** Properties of a side by row: 1 if it has the property. */
interface SideMarks {
  readonly own: Uint8Array;
  readonly foreign: Uint8Array;
  readonly networkSet: Uint8Array;
  /** The most specific visible network set; empty if there is none. */
  readonly firstSet: StringColumn;
}

/** Redacts columns. Decides once per dictionary entry where possible, then looks the decision up by row. */
class ColumnRedaction<Field extends FieldDeclaration> {
  /** The visible rows: those that touch a namespace of the reader. */
  readonly rows: Uint32Array;
  readonly #marks: Readonly<Partial<Record<Side, SideMarks>>>;

  constructor(
    private readonly fields: readonly Field[],
    private readonly records: Records<Field>,
    private readonly namespaces: ReadonlySet<string>,
    private readonly sides: readonly Side[],
  ) {
    this.#marks = Object.fromEntries(sides.map((side) => [side, this.#marksOf(side)]));
    const touching: number[] = [];
    for (let row = 0; row < records.rows; row++) {
      if (sides.some((side) => this.#side(side).own[row] === 1)) touching.push(row);
    }
    this.rows = Uint32Array.from(touching);
  }

  /** The redacted column of the visible rows. */
  column(field: Field, redaction: Redaction): Column {
    const column = columnOf(this.records.columns, field);
    switch (redaction.rule) {
      case 'shown':
        return this.#rowsOf(column);
      case 'named': {
        const { foreign } = this.#side(redaction.end);
        return this.#blankUnless(column, (row) => foreign[row] === 0);
      }
      case 'own': {
        const { own } = this.#side(redaction.end);
        return this.#blankUnless(column, (row) => own[row] === 1);
      }
      case 'networkSets':
        return this.#rowsOf(mapped(column as StringColumn, (sets) => this.#visibleSets(sets).join(',')));
      case 'kind':
        return this.#kind(field, column as Uint8Array, this.#side(redaction.end));
      case 'namespace':
        return this.#setPartOr(column as StringColumn, redaction.end, (set) => set.split('/').at(-2) ?? '');
      case 'name':
        return this.#setPartOr(column as StringColumn, redaction.end, (set) => set.split('/').at(-1) ?? '');
      case 'labels': {
        const { foreign, networkSet } = this.#side(redaction.end);
        return this.#blankUnless(column, (row) => foreign[row] === 0 && networkSet[row] === 0);
      }
      case 'ownNode':
        return this.#ownNode(column as StringColumn);
      case 'service': {
        const own = this.#inOwn(this.#string('dst_service_namespace'));
        return this.#blankUnless(column, (row) => own[row] === 1);
      }
      case 'serviceAddress': {
        const own = this.#inOwn(this.#string('dst_service_namespace'));
        const client = this.#side('src').own;
        return this.#blankUnless(column, (row) => own[row] === 1 || client[row] === 1);
      }
      case 'trace':
        return this.#trace(column as StringColumn);
    }
  }

  #side(side: Side): SideMarks {
    const marks = this.#marks[side];
    if (!marks) throw new Error(`these records have no side ${side}`);
    return marks;
  }

  #marksOf(side: Side): SideMarks {
    const namespace = this.#string(`${side}_namespace`);
    const own = this.#inOwn(namespace);
    const foreign = new Uint8Array(own.length);
    const kinds = this.#column(`${side}_kind`) as Uint8Array;
    const setKind = this.#field(`${side}_kind`).values?.indexOf('network_set');
    const networkSet = Uint8Array.from(kinds, (kind) => (kind === setKind ? 1 : 0));
    for (let row = 0; row < own.length; row++) {
      if (networkSet[row] === 1) own[row] = 0;
      else if (own[row] === 0 && stringAt(namespace, row) !== '') foreign[row] = 1;
    }
    const firstSet = mapped(this.#string(`${side}_network_sets`), (sets) => this.#visibleSets(sets)[0] ?? '');
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

  #string(name: string): StringColumn {
    return this.#column(name) as StringColumn;
  }

  /** 1 for the rows whose value is one of the reader's namespaces. */
  #inOwn({ indexes, dictionary }: StringColumn): Uint8Array {
    const own = dictionary.map((namespace) => (this.namespaces.has(namespace) ? 1 : 0));
    return Uint8Array.from(indexes, (index) => own[index] ?? 0);
  }

  /** The visible sets of a list: those in one of the reader's namespaces, or in none. */
  #visibleSets(list: string): string[] {
    return list
      .split(',')
      .filter((set) => !set.includes('/') || this.namespaces.has(set.split('/')[0] ?? ''));
  }

  /** An address that is only in network sets of other namespaces is external. */
  #kind(field: Field, kinds: Uint8Array, { networkSet, firstSet }: SideMarks): Uint8Array {
    const external = field.values?.indexOf('external') ?? 0;
    return Uint8Array.from(this.rows, (row) =>
      networkSet[row] === 1 && stringAt(firstSet, row) === '' ? external : (kinds[row] ?? 0),
    );
  }

  #setPartOr(column: StringColumn, side: Side, part: (set: string) => string): StringColumn {
    const { foreign, networkSet, firstSet } = this.#side(side);
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
    const nodes = this.sides.map((side) => ({
      own: this.#side(side).own,
      node: this.#string(`${side}_node`),
    }));
    return this.#blankUnless(column, (row) =>
      nodes.some(({ own, node }) => own[row] === 1 && stringAt(node, row) === stringAt(column, row)),
    );
  }

  #trace(column: StringColumn): StringColumn {
    const steps = column.dictionary.map(stepsOf);
    const traces = [true, false].flatMap((withoutNamespace) =>
      steps.map((trace) =>
        numbered(
          trace.filter(({ namespace }) =>
            namespace === '' ? withoutNamespace : this.namespaces.has(namespace),
          ),
        ),
      ),
    );
    const foreign = this.sides.map((side) => this.#side(side).foreign);
    return {
      dictionary: traces,
      indexes: this.rows.map((row) => {
        const index = column.indexes[row] ?? 0;
        return foreign.some((marks) => marks[row] === 1) ? steps.length + index : index;
      }),
    };
  }

  #rowsOf(column: Column): Column {
    return this.#blankUnless(column, () => true);
  }

  /** The visible rows, blank where `keep` is false. */
  #blankUnless<Kind extends Column>(column: Kind, keep: (row: number) => boolean): Kind;
  #blankUnless(column: Column, keep: (row: number) => boolean): Column {
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

/** A step of a trace with its namespace and side (1 or 2). */
interface Step {
  readonly step: string;
  readonly namespace: string;
  readonly side: number;
}

/** The steps of a trace. The steps of the second side start with its step 0. */
function stepsOf(trace: string): Step[] {
  if (trace === '') return [];
  let side = 0;
  return trace.split(',').map((step) => {
    if (step.startsWith('0|')) side++;
    return { step, namespace: namespaceOf(step), side };
  });
}

/** A trace of the given steps, renumbered from 0 for each side. */
function numbered(steps: readonly Step[]): string {
  const counts = new Map<number, number>();
  return steps
    .map(({ step, side }) => {
      const place = counts.get(side) ?? 0;
      counts.set(side, place + 1);
      return `${place}${/[|].*/.exec(step)?.[0] ?? ''}`;
    })
    .join(',');
}

const STEP_NAMESPACE = new RegExp(stepNamespace);

function namespaceOf(step: string): string {
  return STEP_NAMESPACE.exec(step)?.slice(1).join('') ?? '';
}

/** A string column with a function applied to each string. */
function mapped({ indexes, dictionary }: StringColumn, change: (value: string) => string): StringColumn {
  return { indexes, dictionary: dictionary.map(change) };
}
