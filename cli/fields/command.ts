import { Command, Option } from 'commander';
import { connect, positiveInteger, type ServerOptions, withServer } from '../client/connection.js';
import { apiTimeRange, type TimeRangeOptions, withTimeRange } from '../client/time-range.js';
import { withFilter } from '../filter/options.js';
import { type FilterOptions, recordFilter } from '../filter/record-filter.js';
import { withExamples } from '../help/help.js';
import { formatTable } from '../table/format.js';
import { jsonText, printable } from '../table/printable.js';
import { type Screen, screenOf } from '../table/screen.js';

export interface FieldsOptions extends ServerOptions, TimeRangeOptions, FilterOptions {
  readonly dns?: true;
  readonly limit: number;
  readonly output: 'table' | 'json';
}

interface FieldsAnswer {
  readonly fields: readonly {
    readonly variable: string;
    readonly type: string;
    readonly unit?: string;
    readonly description: string;
  }[];
}

interface ValuesAnswer {
  readonly values: readonly (string | number | boolean)[];
  readonly truncated: boolean;
}

/** `sonde fields`: the fields of records and their values. */
export function fieldsCommand(): Command {
  const command = new Command('fields')
    .description('List the fields for filters and groups, or the values of a field')
    .argument('[field]', 'field whose values to list, for example src.namespace or src.labels["app"]')
    .argument('[terms...]', 'which records, as for `sonde observe`')
    .option('--dns', 'use DNS lookups instead of flows')
    .option('--limit <number>', 'maximum number of values', positiveInteger, 100);
  withTimeRange(command, '1h').addOption(
    new Option('-o, --output <format>', 'output format').choices(['table', 'json']).default('table'),
  );
  withServer(withFilter(command)).action(
    async (field: string | undefined, terms: readonly string[], options: FieldsOptions) => {
      const text = await (field === undefined
        ? fields(options, screenOf(process.stdout))
        : values(field, terms, options));
      process.stdout.write(`${text}\n`);
    },
  );
  return withExamples(command, [
    'sonde fields',
    'sonde fields dst.namespace',
    'sonde fields \'src.labels["app"]\' action=deny',
  ]);
}

/** The text of the fields. @throws ClientError */
export async function fields(options: FieldsOptions, { width }: Pick<Screen, 'width'>): Promise<string> {
  const client = await connect(options);
  const answer = await client.get<FieldsAnswer>('fields', { table: kindOf(options) });
  if (options.output === 'json') return jsonText(answer, 2);
  const rows = printable(answer).fields.map(({ variable, type, unit = '', description }) => [
    ...[variable, type, unit === 'milliseconds since 1970 (UTC)' ? '' : unit],
    description,
  ]);
  return formatTable(['FIELD', 'TYPE', 'UNIT', 'DESCRIPTION'], rows, { width, wrapsLast: true });
}

/** The values of a field, one per line. @throws ClientError */
export async function values(
  field: string,
  terms: readonly string[],
  options: FieldsOptions,
): Promise<string> {
  const kind = kindOf(options);
  const filter = await recordFilter(kind, terms, options);
  const client = await connect(options);
  const answer = await client.get<ValuesAnswer>(`fields/${encodeURIComponent(field)}/values`, {
    ...{ table: kind, filter, ...apiTimeRange(options), limit: options.limit },
  });
  if (options.output === 'json') return jsonText(answer, 2);
  const more = answer.truncated ? ['… (raise --limit to list more)'] : [];
  return [...printable(answer).values.map(String), ...more].join('\n');
}

function kindOf({ dns }: FieldsOptions): 'dns' | 'flows' {
  return dns ? 'dns' : 'flows';
}
