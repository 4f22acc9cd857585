import { Command, Option } from 'commander';
import type { ApiClient } from '../client/api-client.js';
import { connect, positiveInteger, type ServerOptions, withServer } from '../client/connection.js';
import { apiTimeRange, type TimeRangeOptions, withTimeRange } from '../client/time-range.js';
import { withFilter } from '../filter/options.js';
import { type FilterOptions, recordFilter, selectsDuplicates } from '../filter/record-filter.js';
import { withExamples } from '../help/help.js';
import { screenOf } from '../table/screen.js';
import { tell } from '../table/tell.js';
import { printExport, type ExportFormat } from './export.js';
import { gapText } from './gap-text.js';
import { type Layout, layoutOf, type RecordOutput } from './layout.js';
import { liveRecords } from './live-records.js';
import { emptyText } from './empty-text.js';
import { pastRecords, type RecordKind, type StoredRecord } from '../client/records.js';

interface ObserveOptions extends ServerOptions, TimeRangeOptions, FilterOptions {
  readonly limit: number;
  readonly follow?: true;
  readonly all?: true;
  readonly dns?: true;
  readonly columns?: string;
  readonly utc?: true;
  readonly output: RecordOutput | ExportFormat;
}

/** `sonde observe`: lists past flows or DNS lookups, or streams new ones. */
export function observeCommand(): Command {
  const command = new Command('observe')
    .description('List recent flows or DNS lookups, or stream new ones')
    .argument(
      '[terms...]',
      'FIELD=VALUE,VALUE, FIELD!=VALUE, FIELD>VALUE or KIND/NAME, with * for any characters',
    )
    .option('--dns', 'list DNS lookups instead of flows')
    .option('-f, --follow', 'stream new records until Ctrl-C')
    .option('--limit <number>', 'maximum number of records; the newest are listed', positiveInteger, 100);
  withTimeRange(command, '15m')
    .option('--all', 'include duplicate records of connections that both nodes report')
    .option('--columns <fields>', 'comma-separated fields to print instead of the default columns')
    .option('--utc', 'print times in UTC instead of local time')
    .addOption(
      new Option(
        '-o, --output <format>',
        'output format; compact prints one short line per record, json one object per line, arrow an IPC stream',
      )
        .choices(['table', 'compact', 'json', 'jsonl', 'csv', 'arrow'])
        .default('table'),
    );
  return withExamples(withServer(withFilter(command)).action(observe), [
    'sonde observe pod/frontend-0',
    'sonde observe -n storefront --verdict deny --since 2h',
    'sonde observe dst.domain=*.example.com "bytes>1M"',
    "sonde observe --follow -n storefront --filter 'retransmits > 3'",
    'sonde observe --dns rcode!=NOERROR --columns src.workload,query_name',
    'sonde observe --since 1d --limit 1000000 -o csv > flows.csv',
  ]);
}

async function observe(terms: string[], options: ObserveOptions): Promise<void> {
  const kind = options.dns ? 'dns' : 'flows';
  const selected = await recordFilter(kind, terms, options);
  const isAll = options.all === true || selectsDuplicates(selected);
  const filter = [...(isAll ? [] : ['primary']), selected].filter((part) => part !== '').join(' && ');
  const client = await connect(options);
  if (options.follow) await follow(client, kind, filter, options);
  else if (options.output === 'csv' || options.output === 'arrow') {
    const { columns = '', limit, output } = options;
    await printExport(client, kind, { ...apiTimeRange(options), filter, fields: columns, limit }, output);
  } else await list(client, kind, filter, selected, options);
}

async function list(
  client: ApiClient,
  kind: RecordKind,
  filter: string,
  selected: string,
  options: ObserveOptions,
): Promise<void> {
  const { limit, columns = '' } = options;
  const range = apiTimeRange(options);
  const records = await pastRecords(client, kind, { ...range, filter, fields: columns, limit });
  if (records.length === 0) {
    tell(await emptyText(client, kind, { ...range, filter, isFiltered: selected !== '' }));
    return;
  }
  printAll(layoutFor(kind, options, records), records);
}

async function follow(
  client: ApiClient,
  kind: RecordKind,
  filter: string,
  options: ObserveOptions,
): Promise<void> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());
  const layout = layoutFor(kind, options, []);
  printAll(layout, []);
  const records: AsyncIterable<StoredRecord> = liveRecords(client, kind, {
    filter,
    fields: options.columns ?? '',
    signal: stop.signal,
    onDropped: ({ records: count, more }) =>
      tell(
        `sonde: ${more ? 'at least ' : ''}${count} records dropped: they arrived faster than they could be sent`,
      ),
    onLost: (reason) => tell(`sonde: ${reason}; reconnecting`),
    onGap: (gap) => tell(`sonde: ${gapText(kind, gap)}`),
  });
  for await (const record of records) print(layout.line(record));
}

function layoutFor(kind: RecordKind, options: ObserveOptions, records: readonly StoredRecord[]): Layout {
  const { output, columns = '', utc = false } = options;
  if (output === 'csv' || output === 'arrow') throw new Error(`--output ${output} cannot follow; use json`);
  const times = { utc, nowMs: Date.now() };
  return layoutOf(kind, { output, columns, times, screen: screenOf(process.stdout) }, records);
}

function printAll({ title, line }: Layout, records: readonly StoredRecord[]): void {
  if (title !== undefined) print(title);
  for (const record of records) print(line(record));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
