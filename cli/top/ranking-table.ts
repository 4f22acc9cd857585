import { portText } from '../flow-table/ports.js';
import { type QueryAnswer, type QueryValue, shareText, valueText } from '../query/answer-text.js';
import { formatTable } from '../table/format.js';

/** A row of an answer by the names of its columns. */
type Row = Readonly<Record<string, QueryValue>>;

/** Titles and texts of group columns; `hides` names a column that is part of the text. */
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
  drop_reason: { title: 'REASON', text: (row) => text(row['drop_reason']) || 'unknown' },
  query_name: { title: 'NAME', text: (row) => text(row['query_name']) },
  rcode: { title: 'RESPONSE', text: (row) => (row['rcode'] === 'NONE' ? 'none' : text(row['rcode'])) },
  protocol: {
    ...{ title: 'PORT', hides: 'dst_port' },
    text: (row) => portText(Number(row['protocol']), Number(row['dst_port'])),
  },
};

/**
 * A ranking as a table. With the metrics of all records, `total`, it has the share of the first metric, and a row for
 * the groups that are not listed.
 */
export function rankingTable(
  { columns, rows }: QueryAnswer,
  total: readonly QueryValue[] | undefined,
  width: number | undefined,
): string {
  const hidden = new Set(columns.map(({ name }) => COLUMNS[name]?.hides));
  const groups = columns.flatMap((column, index) =>
    column.role === 'metric' || hidden.has(column.name) ? [] : [{ column, index }],
  );
  const metrics = columns.flatMap((column, index) => (column.role === 'metric' ? [{ column, index }] : []));
  const [first] = metrics;
  const whole = Number(total?.[0] ?? 0);
  const withShare = (cells: readonly string[], value: number) =>
    total ? [...cells.slice(0, 1), shareText(value, whole), ...cells.slice(1)] : [...cells];
  const titles = [
    ...groups.map(({ column: { name } }) => COLUMNS[name]?.title ?? name.toUpperCase()),
    ...withShare(
      metrics.map(({ column: { name } }) => name.toUpperCase()),
      NaN,
    ).map((title) => (title === '' ? 'SHARE' : title)),
  ];
  const texts = rows.map((values) => {
    const row = Object.fromEntries(columns.map(({ name }, index) => [name, values[index] ?? null]));
    const cells = metrics.map(({ column, index }) => valueText(values[index] ?? null, column));
    return [
      ...groups.map(({ column }) => COLUMNS[column.name]?.text(row) ?? text(row[column.name])),
      ...withShare(cells, Number(values[first?.index ?? 0])),
    ];
  });
  const listed = rows.reduce((sum, values) => sum + Number(values[first?.index ?? 0]), 0);
  if (total && whole > listed) {
    const rest = groups.map((_, at) => (at === 0 ? '(others)' : ''));
    const cells = metrics.map(({ column }, at) => (at === 0 ? valueText(whole - listed, column) : ''));
    texts.push([...rest, ...withShare(cells, whole - listed)]);
  }
  const numbers = titles.map((_, at) => at).slice(groups.length);
  // The measure that the ranking is sorted by, and its share, are always shown.
  const drop = numbers.slice(total ? 2 : 1).toReversed();
  return formatTable(titles, texts, { numbers, drop, width });
}

function text(value: QueryValue | undefined): string {
  return String(value ?? '');
}

/** Nodes and external endpoints have no namespace. */
function namespaceText(value: QueryValue | undefined): string {
  return text(value) || '(no namespace)';
}
