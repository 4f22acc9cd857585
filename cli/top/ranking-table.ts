import { portText } from '../flow-table/ports.js';
import { type QueryAnswer, type QueryValue, valueText } from '../query/answer-text.js';
import { formatTable } from '../table/format.js';

/** A row of an answer by the names of its columns. */
type Row = Readonly<Record<string, QueryValue>>;

/** Columns that stand for several groups of an answer, by the first of them. */
const COLUMNS: Readonly<
  Record<string, { readonly title: string; readonly hides?: string; readonly text: (row: Row) => string }>
> = {
  src_end: { title: 'SOURCE', text: (row) => text(row['src_end']) },
  dst_end: { title: 'DESTINATION', text: (row) => text(row['dst_end']) },
  src_namespace: { title: 'SOURCE', text: (row) => namespaceText(row['src_namespace']) },
  dst_namespace: { title: 'DESTINATION', text: (row) => namespaceText(row['dst_namespace']) },
  dst_service_namespace: {
    ...{ title: 'SERVICE', hides: 'dst_service' },
    text: (row) => `${text(row['dst_service_namespace'])}/${text(row['dst_service'])}`,
  },
  dst_domain: { title: 'DOMAIN', text: (row) => text(row['dst_domain']) },
  drop_reason: { title: 'REASON', text: (row) => text(row['drop_reason']) || 'not told' },
  protocol: {
    ...{ title: 'PORT', hides: 'dst_port' },
    text: (row) => portText(Number(row['protocol']), Number(row['dst_port'])),
  },
};

/** A ranking as a table, its ends and ports as flows show them. */
export function rankingTable({ columns, rows }: QueryAnswer): string {
  const hidden = new Set(columns.map(({ name }) => COLUMNS[name]?.hides));
  const shown = columns.flatMap((column, index) => (hidden.has(column.name) ? [] : [{ column, index }]));
  const titles = shown.map(({ column: { name } }) => COLUMNS[name]?.title ?? name.toUpperCase());
  const numbers = shown.flatMap(({ column: { role } }, place) => (role === 'metric' ? [place] : []));
  const texts = rows.map((values) => {
    const row = Object.fromEntries(columns.map(({ name }, index) => [name, values[index] ?? null]));
    return shown.map(
      ({ column, index }) => COLUMNS[column.name]?.text(row) ?? valueText(values[index] ?? null, column),
    );
  });
  return formatTable(titles, texts, numbers);
}

function text(value: QueryValue | undefined): string {
  return String(value ?? '');
}

/** Nodes and who is outside are in no namespace. */
function namespaceText(value: QueryValue | undefined): string {
  return text(value) || '(no namespace)';
}
