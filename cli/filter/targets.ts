import { nearestNames } from '@sonde/model/filter/nearest-names';
import { dnsFields } from '@sonde/model/dns/fields';
import { flowFields } from '@sonde/model/flow/fields';
import type { FieldDeclaration } from '@sonde/model/record/field';
import type { RecordKind } from '../client/records.js';
import { CommandLineError } from './errors.js';

/** What a name of the command line stands for: an expression of the filter language and how to read its values. */
export interface Target {
  readonly expression: string;
  /** The field that its values are of; undefined for labels, which are strings. */
  readonly field: FieldDeclaration | undefined;
  /** Whether the condition is about either side of a flow, so that the expression has no `src` or `dst`. */
  readonly isEither: boolean;
}

/** The fields of each kind of records. */
export const fieldsOf: Readonly<Record<RecordKind, readonly FieldDeclaration[]>> = {
  flows: flowFields,
  dns: dnsFields,
};

/** Names that people try, and the fields they mean. */
const ALIASES: Readonly<Record<string, string>> = {
  verdict: 'action',
  rtt: 'rtt_us',
  latency: 'latency_us',
  fqdn: 'domain',
  pod: 'name',
  name: 'name',
};

/** Sums of both directions. */
const SUMS: Readonly<Record<string, readonly [string, string]>> = {
  bytes: ['bytes_out', 'bytes_in'],
  packets: ['packets_out', 'packets_in'],
};

/**
 * The target of a name: a field (`dst.port`, `dst_port`), a label (`src.labels.app`), a sum (`bytes`), or a field of
 * either side (`namespace`, `labels.app`).
 * @throws CommandLineError with similar names.
 */
export function targetOf(name: string, kind: RecordKind): Target {
  const fields = fieldsOf[kind];
  const label = /^(?:(src|dst)[._])?labels(?:\.([\w./-]+)|\["([^"]+)"\])$/.exec(name);
  if (label) {
    const [, side, plain, quoted] = label;
    const expression = `labels[${JSON.stringify(plain ?? quoted ?? '')}]`;
    if (side !== undefined) return { expression: `${side}.${expression}`, field: undefined, isEither: false };
    return eitherTarget(expression, undefined, kind);
  }
  const plain = plainName(name);
  const field = fields.find((one) => one.name === plain);
  if (field) return { expression: name === plain ? name : dotted(plain), field, isEither: false };
  const sum = Object.hasOwn(SUMS, plain) ? SUMS[plain] : undefined;
  const part = sum && fields.find((one) => one.name === sum[0]);
  if (sum && part) return { expression: `(${sum.join(' + ')})`, field: part, isEither: false };
  const ofSource = fields.find((one) => one.name === `src_${plain}`);
  if (ofSource) return eitherTarget(plain, ofSource, kind);
  throw new CommandLineError(`there is no field "${name}"${hint(name, fields)}`);
}

/** Whether a name is that of a field of a kind of records. */
export function isFieldName(name: string, kind: RecordKind): boolean {
  return fieldsOf[kind].some((field) => field.name === plainName(name));
}

/** Lookups know their client only. */
function eitherTarget(member: string, field: FieldDeclaration | undefined, kind: RecordKind): Target {
  if (kind === 'dns') return { expression: `src.${member}`, field, isEither: false };
  return { expression: member, field, isEither: true };
}

function plainName(name: string): string {
  const [, side = '', member = name] = /^(src[._]|dst[._])(.*)$/.exec(name) ?? [];
  const alias = Object.hasOwn(ALIASES, member) ? ALIASES[member] : undefined;
  return `${side.replace('.', '_')}${alias ?? member}`;
}

function dotted(name: string): string {
  return name.replace(/^(src|dst)_/, '$1.');
}

/** Similar names, in the form that the help shows. */
function hint(name: string, fields: readonly FieldDeclaration[]): string {
  const known = fields.map((field) => field.name);
  const members = known.flatMap((one) => (one.startsWith('src_') ? [one.slice(4)] : []));
  const names = [...known.map(dotted), ...known.filter((one) => !/^(src|dst)_/.test(one)), ...members];
  const near = nearestNames(name, [...new Set([...names, ...Object.keys(SUMS), ...Object.keys(ALIASES)])]);
  return near.length > 0 ? `: did you mean ${near.join(' or ')}?` : '; `sonde fields` lists them';
}
