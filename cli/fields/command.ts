import { Command, Option } from 'commander';
import { connect, type ServerOptions, whole, withServer } from '../client/connection.js';
import { fromOption } from '../client/time-range.js';
import { withExamples } from '../help/help.js';
import { formatTable } from '../table/format.js';
import { jsonText, printable } from '../table/printable.js';

export interface FieldsOptions extends ServerOptions {
  readonly dns?: true;
  readonly filter: string;
  readonly from: string;
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

/** `sonde fields`: what can be asked for, and with what values. */
export function fieldsCommand(): Command {
  const command = new Command('fields')
    .description('List the fields for filters and groups, or the values of a field')
    .argument('[field]', 'field whose values to list, for example src.namespace or src.labels["app"]')
    .option('--dns', 'use DNS lookups instead of flows')
    .option('--filter <expression>', 'filter expression', '')
    .addOption(fromOption('-1h'))
    .option('--limit <number>', 'maximum number of values', whole, 100)
    .addOption(new Option('-o, --output <format>').choices(['table', 'json']).default('table'));
  withServer(command).action(async (field: string | undefined, options: FieldsOptions) => {
    process.stdout.write(`${await (field === undefined ? fields(options) : values(field, options))}\n`);
  });
  return withExamples(command, [
    'sonde fields',
    'sonde fields dst.namespace',
    'sonde fields \'src.labels["app"]\' --filter \'action == "deny"\'',
  ]);
}

/** The fields' text. */
export async function fields(options: FieldsOptions): Promise<string> {
  const client = await connect(options);
  const answer = await client.get<FieldsAnswer>('fields', { table: tableOf(options) });
  if (options.output === 'json') return jsonText(answer, 2);
  const rows = printable(answer).fields.map(({ variable, type, unit = '', description }) => [
    variable,
    type,
    unit,
    description,
  ]);
  return formatTable(['FIELD', 'TYPE', 'UNIT', 'DESCRIPTION'], rows);
}

/** The text of a field's values, one a line. */
export async function values(field: string, options: FieldsOptions): Promise<string> {
  const client = await connect(options);
  const { filter, from, limit } = options;
  const path = `fields/${encodeURIComponent(field)}/values`;
  const answer = await client.get<ValuesAnswer>(path, { table: tableOf(options), filter, from, limit });
  if (options.output === 'json') return jsonText(answer, 2);
  return [...printable(answer).values.map(String), ...(answer.truncated ? ['…'] : [])].join('\n');
}

function tableOf({ dns }: FieldsOptions): string {
  return dns ? 'dns' : 'flows';
}
