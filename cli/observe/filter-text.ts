import { dnsFields } from '@sonde/model/dns/fields';
import type { FieldDeclaration } from '@sonde/model/record/field';
import { flowFields } from '@sonde/model/flow/fields';
import type { RecordKind } from './records.js';

/** What the command line says of which records to show. */
export interface FilterWords {
  /** `field=value`, or several values with commas. */
  readonly terms: readonly string[];
  /** An expression of the filter language. */
  readonly filter?: string | undefined;
  /** Namespaces, workloads, addresses or prefixes, and ports of either end. */
  readonly namespace?: readonly string[] | undefined;
  readonly workload?: readonly string[] | undefined;
  readonly ip?: readonly string[] | undefined;
  readonly port?: readonly string[] | undefined;
  /** Also the second record of what the nodes of both ends report. */
  readonly all?: boolean | undefined;
}

/**
 * The filter that the words mean, all of them together.
 * @throws Error if a term is none.
 */
export function filterText(kind: RecordKind, words: FilterWords): string {
  const fields = kind === 'dns' ? dnsFields : flowFields;
  const asked = words.terms.map((term) => termText(term, fields));
  const either =
    kind === 'dns' ? (text: string) => text.replace(/\b(namespace|workload|ip|port)\b/, 'src.$1') : inEither;
  const conditions = [
    ...(words.all === true || asked.some((text) => text.startsWith('primary ')) ? [] : ['primary']),
    ...asked,
    ...(words.namespace ? [either(`namespace in ${quotedList(words.namespace)}`)] : []),
    ...(words.workload ? [either(`workload in ${quotedList(words.workload)}`)] : []),
    ...(words.ip ? [either(`cidr(ip, ${quotedList(words.ip)})`)] : []),
    ...(words.port ? [either(`port in [${words.port.map(portNumber).join(', ')}]`)] : []),
    ...(words.filter !== undefined && words.filter.trim() !== '' ? [`(${words.filter}\n)`] : []),
  ];
  return conditions.join(' && ');
}

function inEither(text: string): string {
  return `either(${text})`;
}

/** `field=a,b` as `field in ["a", "b"]`, with the values as the field's type wants them. */
function termText(term: string, fields: readonly FieldDeclaration[]): string {
  const [, name = '', value = ''] = /^([a-z][\w.]*)=(.*)$/s.exec(term) ?? [];
  if (name === '') throw new Error(`"${term}" is no filter: write field=value, for example dst_port=443`);
  const field = fields.find((one) => one.name === name.replace(/^(src|dst)\./, '$1_'));
  const values = value.split(',').map((one) => valueText(one, field));
  return values.length === 1 ? `${name} == ${values[0] ?? ''}` : `${name} in [${values.join(', ')}]`;
}

function valueText(value: string, field: FieldDeclaration | undefined): string {
  switch (field?.type) {
    case 'time':
      return `timestamp(${JSON.stringify(value)})`;
    case 'boolean':
      return /^(true|false)$/.test(value) ? value : JSON.stringify(value);
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'uint64':
      return /^\d+$/.test(value) ? `${value}u` : JSON.stringify(value);
    default:
      return JSON.stringify(value);
  }
}

function portNumber(text: string): string {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return text;
  throw new Error(`"${text}" is no port: write a number from 0 to 65535`);
}

function quotedList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(', ')}]`;
}
