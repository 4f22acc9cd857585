import { FilterError } from '@sonde/model/filter/errors';
import { ClientError, EXIT } from '../client/errors.js';
import type { RecordKind } from '../client/records.js';
import { conditionOf, type Operator } from './conditions.js';
import { CommandLineError } from './errors.js';
import { labelConditions } from './labels.js';
import { resourceCondition } from './resources.js';
import { fieldsOf } from './targets.js';

/** The parts of the command line that select records; all of them must hold. */
export interface FilterOptions {
  /** An expression of the filter language. */
  readonly filter?: string | undefined;
  readonly namespace?: readonly string[] | undefined;
  readonly workload?: readonly string[] | undefined;
  readonly pod?: readonly string[] | undefined;
  readonly selector?: readonly string[] | undefined;
  readonly ip?: readonly string[] | undefined;
  readonly port?: readonly string[] | undefined;
  readonly protocol?: readonly string[] | undefined;
  readonly verdict?: readonly string[] | undefined;
  readonly fromNamespace?: readonly string[] | undefined;
  readonly toNamespace?: readonly string[] | undefined;
  readonly fromPod?: readonly string[] | undefined;
  readonly toPod?: readonly string[] | undefined;
  readonly fromIp?: readonly string[] | undefined;
  readonly toIp?: readonly string[] | undefined;
  readonly toPort?: readonly string[] | undefined;
  readonly toFqdn?: readonly string[] | undefined;
}

/** The fields that options stand for; without `src` or `dst`, of either side. */
const OPTION_FIELDS = {
  ...{ namespace: 'namespace', pod: 'pod', ip: 'ip', port: 'port', protocol: 'protocol', verdict: 'action' },
  ...{ fromNamespace: 'src.namespace', toNamespace: 'dst.namespace', fromPod: 'src.name', toPod: 'dst.name' },
  ...{ fromIp: 'src.ip', toIp: 'dst.ip', toPort: 'dst.port', toFqdn: 'dst.domain' },
} as const satisfies Partial<Record<keyof FilterOptions, string>>;

/**
 * The filter of a command line: its terms (`field=value`, `kind/name`), its options and its expression.
 * @throws CommandLineError for wrong terms and options, ClientError for a wrong expression, which it shows as given.
 */
export async function recordFilter(
  kind: RecordKind,
  terms: readonly string[],
  options: FilterOptions,
): Promise<string> {
  const { filter = '', workload, selector } = options;
  if (filter.trim() !== '') await checkExpression(filter, kind);
  const conditions = [
    ...terms.map((term) => termCondition(term, kind)),
    ...Object.entries(OPTION_FIELDS).flatMap(([option, field]) => {
      const values = options[option as keyof typeof OPTION_FIELDS];
      return values ? [conditionOf(field, '=', values, kind)] : [];
    }),
    ...(workload ? [anyWorkload(workload, kind)] : []),
    ...(selector ? [labelConditions(selector, kind)] : []),
    ...(filter.trim() === '' ? [] : [`(${filter}\n)`]),
  ];
  return conditions.join(' && ');
}

/** Whether a filter decides which of the records of both nodes of a connection it selects. */
export function selectsDuplicates(filter: string): boolean {
  return /(^|[^.\w])primary\b/.test(filter);
}

const OPERATORS: Readonly<Record<string, Operator>> = {
  ...{ '=': '=', '==': '=', '!=': '!=', '<': '<', '<=': '<=', '>': '>', '>=': '>=' },
};

/** `field=value,value`, `field!=value`, `field>value`, or `pod/NAME`. */
function termCondition(term: string, kind: RecordKind): string {
  const [, name = '', symbol = '', value = ''] =
    /^([A-Za-z_][\w.]*(?:\["[^"]*"\]|(?<=labels\.[\w./-]*)[\w./-]*)?)(==|!=|<=|>=|=|<|>)(.*)$/s.exec(term) ??
    [];
  const operator = OPERATORS[symbol];
  if (operator) return conditionOf(name, operator, value.split(','), kind);
  if (term.includes('/')) return resourceCondition(term, kind);
  throw new CommandLineError(
    `"${term}" is no filter: write FIELD=VALUE, for example dst.port=443, or KIND/NAME, for example pod/web-0`,
  );
}

/** Workloads as `name` or `namespace/name`. */
function anyWorkload(names: readonly string[], kind: RecordKind): string {
  const conditions = names.map((name) => {
    const [namespace = '', workload] = name.split('/');
    return workload === undefined
      ? conditionOf('workload', '=', [name], kind)
      : resourceCondition(`${namespace}/${workload}`, kind);
  });
  return conditions.length === 1 ? conditions.join('') : `(${conditions.join(' || ')})`;
}

/** @throws ClientError that shows the place in the expression as the user wrote it. */
async function checkExpression(text: string, kind: RecordKind): Promise<void> {
  // Loads slowly, and most command lines have no expression.
  const { parseFilter } = await import('@sonde/model/filter/parse');
  try {
    parseFilter(text, fieldsOf[kind]);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    const { reason, nearest, start, end } = error;
    const meant = nearest.length > 0 ? ` (did you mean ${nearest.join(' or ')}?)` : '';
    throw new ClientError(`wrong filter: ${reason}${meant}\n${marked(text, start, end)}`, EXIT.refused);
  }
}

/** The line of a text that a part of it begins on, and a line that marks the part. */
function marked(text: string, start: number, end: number): string {
  const begin = text.lastIndexOf('\n', start - 1) + 1;
  const [line = ''] = text.slice(begin).split('\n');
  const from = start - begin;
  const width = Math.max(1, Math.min(end - begin, line.length) - from);
  return `  ${line}\n  ${' '.repeat(from)}${'^'.repeat(width)}`;
}
