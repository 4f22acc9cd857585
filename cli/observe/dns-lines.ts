import type { DnsRow } from '@sonde/model/dns/records';
import { endpointName } from '@sonde/model/flow/endpoint-name';
import { microsText } from '../flow-table/cells.js';
import type { Color, Paint } from '../table/color.js';
import { layoutTable, NAME, type TableColumn, type TableLayout, widthsOf } from '../table/layout.js';
import { type TimeFormat, timeText } from '../table/time.js';

/** The columns of a table of lookups, each with its width for lines that come one by one. */
const COLUMNS: readonly (TableColumn & { readonly width: number })[] = [
  { title: 'TIME', width: 12 },
  { title: 'CLIENT', width: 26, flexible: NAME },
  { title: 'SERVER', width: 15, flexible: { preferred: 15, min: 9 }, drop: 2 },
  { title: 'TYPE', width: 5 },
  { title: 'NAME', width: 40, flexible: { preferred: 24, min: 8 } },
  { title: 'RESPONSE', width: 8 },
  { title: 'LATENCY', width: 8, isNumber: true, drop: 1 },
  { title: 'ANSWERS', width: 40, flexible: { preferred: 15, min: 7 }, drop: 3 },
];

const RESPONSE = COLUMNS.findIndex(({ title }) => title === 'RESPONSE');

/** Lays a table of lookups out: to the widths of some, or for lookups still to come if there are none. */
export function dnsLayout(
  lookups: readonly DnsRow[],
  times: TimeFormat,
  width: number | undefined,
  date?: string,
): TableLayout {
  const columns = COLUMNS.map((column) =>
    column.title === 'TIME' && date !== undefined ? { ...column, title: date } : column,
  );
  const widths =
    lookups.length === 0
      ? COLUMNS.map((column) => column.width)
      : widthsOf(
          lookups.map((lookup) => cells(lookup, times)),
          COLUMNS.length,
        );
  return layoutTable(columns, widths, width);
}

/** A lookup as one line, with the response in its color. */
export function dnsLine(layout: TableLayout, lookup: DnsRow, times: TimeFormat, paint: Paint): string {
  return layout.line(cells(lookup, times), (text, column) =>
    column === RESPONSE ? paint(responseColor(lookup), text) : text,
  );
}

/** The color of a response. */
export function responseColor({ rcode }: DnsRow): Color {
  if (rcode === 'NOERROR') return 'green';
  return rcode === 'NXDOMAIN' ? 'yellow' : 'red';
}

/** The response to a lookup; `none` if nobody responded. */
export function responseText({ answered, rcode }: DnsRow): string {
  return answered ? rcode : 'none';
}

/** The name of the client. */
export function clientText({ src_kind, src_namespace, src_workload, src_name, src_ip }: DnsRow): string {
  return endpointName({
    kind: src_kind,
    namespace: src_namespace,
    workload: src_workload,
    name: src_name,
    address: src_ip,
    domain: '',
  });
}

function cells(lookup: DnsRow, times: TimeFormat): string[] {
  return [
    timeText(lookup.start_time, times),
    clientText(lookup),
    lookup.dst_ip,
    lookup.query_type,
    lookup.query_name,
    responseText(lookup),
    microsText(lookup.latency_us),
    lookup.answers,
  ];
}
