import { Command, InvalidArgumentError, Option } from 'commander';
import { type Paint, paintFor } from '../flow-table/colour.js';
import { flowLine, titleLine } from '../flow-table/lines.js';
import { dnsLine, dnsTitleLine } from './dns-lines.js';
import { filterText } from './filter-text.js';
import { followRecords } from './follow.js';
import { fetchRecords, type RowOfKind } from './records-client.js';

interface ObserveOptions {
  readonly server: string;
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
  readonly output: 'table' | 'json';
}

/** `sonde observe`: flows or DNS look-ups that a query API holds, past or as they come. */
export function observeCommand(): Command {
  return new Command('observe')
    .description('Show flows from a query API, past ones or as they come')
    .argument(
      '[terms...]',
      'field=value or field=value,value; for example src.namespace=storefront evidence=refused',
    )
    .option('--filter <expression>', `which records, for example 'dst.port == 443 && bytes_in > 1000000'`)
    .option('-n, --namespace <name...>', 'namespaces of either end')
    .option('-w, --workload <name...>', 'workloads of either end')
    .option('--ip <address...>', 'addresses or prefixes of either end')
    .option('-p, --port <number...>', 'ports of either end')
    .addOption(
      new Option('--server <url>', 'the query API')
        .env('SONDE_SERVER')
        .default('http://127.0.0.1:4180')
        .argParser(url),
    )
    .option('--from <time>', 'start of the time range: RFC 3339, or before now, as -15m', '-15m')
    .option('--to <time>', 'end of the time range; now if not given')
    .option('--dns', 'DNS look-ups in place of flows')
    .option('--limit <number>', 'how many at most, the newest', whole, 100)
    .option('-f, --follow', 'go on as they come, until Ctrl-C')
    .option('--all', 'also the second record of what the nodes of both ends report')
    .addOption(
      new Option('-o, --output <format>', 'table, or json: a record a line')
        .choices(['table', 'json'])
        .default('table'),
    )
    .action(observe);
}

function observe(terms: string[], options: ObserveOptions): Promise<void> {
  return options.dns
    ? show('dns', { title: dnsTitleLine, line: dnsLine }, terms, options)
    : show('flows', { title: titleLine, line: flowLine }, terms, options);
}

/** How records of a kind are put into lines of a table. */
interface TableOf<Row> {
  title(paint: Paint): string;
  line(row: Row, paint: Paint): string;
}

async function show<Kind extends keyof RowOfKind>(
  kind: Kind,
  table: TableOf<RowOfKind[Kind]>,
  terms: string[],
  options: ObserveOptions,
): Promise<void> {
  const { server, from, to, limit, output } = options;
  const filter = filterText(kind, { ...options, terms });
  const paint = paintFor(process.stdout);
  const print = (text: string) => process.stdout.write(`${text}\n`);
  const printRow = (row: RowOfKind[Kind]) =>
    print(output === 'json' ? JSON.stringify(row) : table.line(row, paint));

  if (options.follow) {
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());
    if (output === 'table') print(table.title(paint));
    const onOverrun = () =>
      process.stderr.write('sonde: more than can be followed; some are left out. Narrow the filters.\n');
    const sinceMs = Date.now() - 5000;
    const rows = followRecords(kind, { server, filter, sinceMs, signal: stop.signal, onOverrun });
    for await (const row of rows) printRow(row);
    return;
  }
  const range = { from, ...(to === undefined ? {} : { to }) };
  const rows = await fetchRecords(server, kind, { ...range, limit, order: 'newest', filter });
  if (output === 'table') print(table.title(paint));
  for (const row of rows.reverse()) printRow(row);
}

function url(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError('It must be an http or https URL.');
  return text;
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError('It must be a whole number from 1.');
  return value;
}
