import { endpointName } from '@sonde/model/flow/endpoint-name';
import type { DnsRow } from '@sonde/model/dns/records';
import { microsText } from '../flow-table/cells.js';
import type { Paint } from '../flow-table/color.js';
import { aligned } from '../flow-table/lines.js';

/** Widths that hold nearly every cell; a longer one pushes its line to the right rather than be cut. */
const COLUMNS = [
  { title: 'TIME', width: 12 },
  { title: 'CLIENT', width: 26 },
  { title: 'SERVER', width: 15 },
  { title: 'TYPE', width: 5 },
  { title: 'NAME', width: 40 },
  { title: 'RESPONSE', width: 8 },
  { title: 'LATENCY', width: 8, isNumber: true },
  { title: 'ANSWERS', width: 0 },
] as const;

/** The place of the response among the columns. */
const RESPONSE = 5;

/** The line of titles above lines of DNS lookups. */
export function dnsTitleLine(paint: Paint): string {
  return paint(
    'bold',
    cells(COLUMNS.map(({ title }) => title))
      .join('  ')
      .trimEnd(),
  );
}

/** A DNS lookup as one line, with the response in its color. */
export function dnsLine(lookup: DnsRow, paint: Paint): string {
  const texts = cells([
    lookup.start_time.slice(11, 23),
    clientText(lookup),
    lookup.dst_ip,
    lookup.query_type,
    lookup.query_name,
    lookup.answered ? lookup.rcode : 'none',
    microsText(lookup.latency_us),
    lookup.answers,
  ]);
  const color = lookup.rcode === 'NOERROR' ? 'green' : lookup.rcode === 'NXDOMAIN' ? 'yellow' : 'red';
  return texts
    .map((text, column) => (column === RESPONSE ? paint(color, text) : text))
    .join('  ')
    .trimEnd();
}

function cells(texts: readonly string[]): string[] {
  return COLUMNS.map((column, index) =>
    aligned(texts[index] ?? '', column.width, 'isNumber' in column && column.isNumber),
  );
}

/** Who asked. */
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
