import type { DnsRow } from '@sonde/model/dns/records';
import type { FlowRow } from '@sonde/model/flow/records';
import { Command, Option } from 'commander';
import { type ApiClient } from '../client/api-client.js';
import { connect, type ServerOptions, whole, withServer } from '../client/connection.js';
import { fromOption } from '../client/time-range.js';
import { type Paint, paintFor } from '../flow-table/color.js';
import { flowCells } from '../flow-table/cells.js';
import { flowLine, titleLine, widthsFor } from '../flow-table/lines.js';
import { withExamples } from '../help/help.js';
import { type Cells, columnLines } from './column-lines.js';
import { compactFlow, compactLookup } from './compact-lines.js';
import { dnsLine, dnsTitleLine } from './dns-lines.js';
import { filterText } from './filter-text.js';
import { gapText } from './gap-text.js';
import { liveRecords } from './live-records.js';
import { pastRecords, type RecordKind } from './records.js';
import { jsonText, printable } from '../table/printable.js';
import { tell } from '../table/tell.js';

interface ObserveOptions extends ServerOptions {
  readonly from: string;
  readonly to?: string;
  readonly limit: number;
  readonly follow?: true;
  readonly all?: true;
  readonly dns?: true;
  readonly filter?: string;
  readonly namespace?: string[];
  readonly workload?: string[];
  readonly ip?: string[];
  readonly port?: string[];
  readonly columns?: string;
  readonly output: 'table' | 'compact' | 'json';
}

/** `sonde observe`: flows or DNS lookups that a query API holds, past or as they come. */
export function observeCommand(): Command {
  const command = new Command('observe')
    .description('List recent flows or stream new ones')
    .argument(
      '[terms...]',
      'field=value or field=value,value; for example src.namespace=storefront evidence=refused',
    )
    .option('--filter <expression>', `which records, for example 'dst.port == 443 && bytes_in > 1000000'`)
    .option('-n, --namespace <name...>', 'namespaces of the source or the destination')
    .option('-w, --workload <name...>', 'workloads of the source or the destination')
    .option('--ip <address...>', 'addresses or CIDRs of the source or the destination')
    .option('-p, --port <number...>', 'ports of the source or the destination')
    .addOption(fromOption('-15m'))
    .option('--to <time>', 'end of the time range; now if not given')
    .option('--dns', 'list DNS lookups instead of flows')
    .option('--limit <number>', 'maximum number of records, newest first', whole, 100)
    .option('-f, --follow', 'stream new records until Ctrl-C')
    .option('--all', 'include duplicate records of connections that both nodes report')
    .option('--columns <fields>', 'comma-separated fields to print instead of the default columns')
    .addOption(
      new Option(
        '-o, --output <format>',
        'output format: table, compact (one short line per record) or json (one object per line)',
      )
        .choices(['table', 'compact', 'json'])
        .default('table'),
    );
  return withExamples(withServer(command).action(observe), [
    'sonde observe',
    'sonde observe src.namespace=storefront action=deny --from -2h',
    "sonde observe --follow --namespace storefront --filter 'retransmits > 3'",
    'sonde observe --dns rcode=NXDOMAIN --columns src.workload,query_name',
  ]);
}

async function observe(terms: string[], options: ObserveOptions): Promise<void> {
  const kind = options.dns ? 'dns' : 'flows';
  const filter = filterText(kind, { ...options, terms });
  const client = await connect(options);
  await (options.follow ? follow(client, kind, filter, options) : showPast(client, kind, filter, options));
}

async function showPast(
  client: ApiClient,
  kind: RecordKind,
  filter: string,
  { from, to, limit, columns = '', output }: ObserveOptions,
): Promise<void> {
  const records: Cells[] = await pastRecords(client, kind, { from, to, filter, fields: columns, limit });
  const { title, line } = layoutOf(kind, output, columns, records);
  if (title !== undefined) print(title);
  for (const record of records) print(line(record));
}

async function follow(
  client: ApiClient,
  kind: RecordKind,
  filter: string,
  { columns = '', output }: ObserveOptions,
): Promise<void> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());
  const { title, line } = layoutOf(kind, output, columns, []);
  if (title !== undefined) print(title);
  const records: AsyncIterable<Cells> = liveRecords(client, kind, {
    filter,
    fields: columns,
    signal: stop.signal,
    onDropped: ({ records: count, more }) =>
      tell(`sonde: ${more ? 'at least ' : ''}${count} more came than can be followed and are left out`),
    onLost: (reason) => tell(`sonde: ${reason}; asking again`),
    onGap: (gap) => tell(`sonde: ${gapText(kind, gap)}`),
  });
  for await (const record of records) print(line(record));
}

/** How records are put into lines. */
interface Layout {
  readonly title?: string;
  readonly line: (record: Cells) => string;
}

function layoutOf(
  kind: RecordKind,
  output: ObserveOptions['output'],
  columns: string,
  records: readonly Cells[],
): Layout {
  if (output === 'json') return { line: (record) => jsonText(record) };
  const layout = textLayout(kind, output, columns, printable(records));
  return { ...layout, line: (record) => layout.line(printable(record)) };
}

function textLayout(
  kind: RecordKind,
  output: ObserveOptions['output'],
  columns: string,
  records: readonly Cells[],
): Layout {
  const paint = paintFor(process.stdout);
  if (columns !== '') return columnLines(columns.split(','), records, paint);
  // Without chosen columns a record has all its fields.
  if (kind === 'dns') {
    return output === 'compact'
      ? { line: (record) => compactLookup(record as unknown as DnsRow, paint) }
      : { title: dnsTitleLine(paint), line: (record) => dnsLine(record as unknown as DnsRow, paint) };
  }
  return output === 'compact'
    ? { line: (record) => compactFlow(record as unknown as FlowRow, paint) }
    : flowLayout(records as unknown as FlowRow[], paint);
}

/** Columns as wide as the records need; with none there yet, wide enough for nearly all that may come. */
function flowLayout(records: readonly FlowRow[], paint: Paint): Layout {
  const widths = records.length === 0 ? undefined : widthsFor(records.map(flowCells));
  return {
    title: titleLine(paint, widths),
    line: (record) => flowLine(record as unknown as FlowRow, paint, widths),
  };
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
