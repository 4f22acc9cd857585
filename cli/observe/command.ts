import { Command, InvalidArgumentError, Option } from 'commander';
import type { FlowRow } from '@sonde/model/flow/rows';
import { paintFor } from '../flow-table/colour.js';
import { flowLine, titleLine } from '../flow-table/lines.js';
import { fetchFlows } from './flows-client.js';
import { followFlows } from './follow.js';

interface ObserveOptions {
  readonly server: string;
  readonly from: string;
  readonly to?: string;
  readonly limit: number;
  readonly follow?: true;
  readonly all?: true;
  readonly output: 'table' | 'json';
}

/** `sonde observe`: flows that a query API holds, past or as they come. */
export function observeCommand(): Command {
  return new Command('observe')
    .description('Show flows from a query API, past ones or as they come')
    .argument(
      '[filters...]',
      'field=value or field=value,value; for example src_namespace=storefront evidence=refused',
    )
    .addOption(
      new Option('--server <url>', 'the query API')
        .env('SONDE_SERVER')
        .default('http://127.0.0.1:4180')
        .argParser(url),
    )
    .option('--from <time>', 'start of the time range: RFC 3339, or before now, as -15m', '-15m')
    .option('--to <time>', 'end of the time range; now if not given')
    .option('--limit <flows>', 'how many at most, the newest', whole, 100)
    .option('-f, --follow', 'go on with flows as they come, until Ctrl-C')
    .option('--all', 'also the second record of connections that both ends report')
    .addOption(
      new Option('-o, --output <format>', 'table, or json: a flow a line')
        .choices(['table', 'json'])
        .default('table'),
    )
    .action(observe);
}

async function observe(filterArguments: string[], options: ObserveOptions): Promise<void> {
  const filters = { ...(options.all ? {} : { primary: 'true' }), ...filtersOf(filterArguments) };
  const paint = paintFor(process.stdout);
  const lineOf =
    options.output === 'json'
      ? (flow: FlowRow) => JSON.stringify(flow)
      : (flow: FlowRow) => flowLine(flow, paint);
  const print = (text: string) => process.stdout.write(`${text}\n`);

  if (options.follow) {
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort()).once('SIGTERM', () => stop.abort());
    if (options.output === 'table') print(titleLine(paint));
    const flows = followFlows({
      server: options.server,
      filters,
      sinceMs: Date.now() - 5000,
      signal: stop.signal,
      onOverrun: () =>
        process.stderr.write(
          'sonde: more flows than can be followed; some are left out. Narrow the filters.\n',
        ),
    });
    for await (const flow of flows) print(lineOf(flow));
    return;
  }
  const { from, to, limit } = options;
  const flows = await fetchFlows(options.server, {
    from,
    ...(to === undefined ? {} : { to }),
    limit,
    order: 'newest',
    filters,
  });
  if (options.output === 'table') print(titleLine(paint));
  for (const flow of flows.reverse()) print(lineOf(flow));
}

function filtersOf(filterArguments: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    filterArguments.map((text) => {
      const equals = text.indexOf('=');
      if (equals < 1) throw new Error(`"${text}" is no filter: write field=value, for example dst_port=443`);
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
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
