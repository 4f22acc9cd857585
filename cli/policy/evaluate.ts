import type { ManifestCluster } from '@sonde/model/policy/manifests/cluster';
import {
  ConnectionError,
  evaluateNamed,
  type ConnectionReport,
} from '@sonde/model/policy/manifests/connection';
import { connect, type ServerOptions } from '../client/connection.js';
import { ClientError } from '../client/errors.js';
import { InputError, loadCluster, readJson } from './load.js';
import { formatTable } from '../table/format.js';
import { jsonText, printable } from '../table/printable.js';

/** A connection as it was asked for, with what policies say of it. */
type Evaluated = Readonly<Record<string, unknown>> & ConnectionReport;

export interface EvaluateOptions extends ServerOptions {
  readonly manifests?: readonly string[];
  readonly dns?: string;
  /** A file of connections; without it one is named by words. */
  readonly connections?: string;
  readonly protocol: string;
  readonly cluster?: string;
  readonly since: string;
  readonly at: string;
  readonly output: 'json' | 'table';
}

/**
 * Evaluates connections, of a JSON file or one named `[from, to, port]`, over a cluster of manifests or by what a
 * server knows.
 * @returns The output's text, which is a JSON list of the same length and order or made for people, and whether all
 * are allowed.
 * @throws InputError naming whatever cannot be read, or is not there.
 */
export async function evaluate(
  words: readonly string[],
  options: EvaluateOptions,
): Promise<{ readonly text: string; readonly isAllowed: boolean }> {
  const { manifests, dns, output } = options;
  const file = options.connections;
  if (!manifests && dns !== undefined) throw new InputError(['--dns goes with --manifests only.']);
  if ((file === undefined) === (words.length === 0)) {
    throw new InputError(['Name one connection as FROM TO PORT, or a file of them with --connections.']);
  }
  const connections = file === undefined ? [namedConnection(words, options.protocol)] : await readList(file);
  const evaluated = manifests
    ? evaluateAll(await loadCluster(manifests, dns), connections, file)
    : await evaluateByServer(connections, options);
  const isAllowed = evaluated.every(({ verdict }) => verdict === 'allow');
  if (output === 'json') return { text: jsonText(evaluated, 2), isAllowed };
  const shown = printable(evaluated);
  return { text: file === undefined ? shown.map(account).join('\n\n') : table(shown), isAllowed };
}

function namedConnection([from, to, port]: readonly string[], protocol: string): object {
  if (from === undefined || to === undefined) throw new InputError(['Name both ends: FROM TO PORT.']);
  if (port === undefined) return { from, to, protocol };
  if (!/^\d+$/.test(port))
    throw new InputError([`PORT "${port}" is no number; --protocol says of which protocol.`]);
  return { from, to, protocol, port: Number(port) };
}

async function readList(file: string): Promise<readonly unknown[]> {
  const connections = await readJson(file);
  if (Array.isArray(connections)) return connections as readonly unknown[];
  throw new InputError([`${file}: must be a list of connections`]);
}

async function evaluateByServer(
  connections: readonly unknown[],
  options: EvaluateOptions,
): Promise<readonly Evaluated[]> {
  const client = await connect(options);
  const { cluster, since: from, at: to } = options;
  const question = { ...(cluster === undefined ? {} : { cluster }), from, to, connections };
  try {
    const answer = await client.post<{ connections: readonly Evaluated[] }>('policies/evaluate', question);
    return answer.connections;
  } catch (error) {
    // Who named one connection by words knows of no list.
    if (!(error instanceof ClientError) || options.connections !== undefined) throw error;
    throw new ClientError(error.message.replaceAll('connections/0/', ''), error.exitCode);
  }
}

function evaluateAll(
  cluster: ManifestCluster,
  connections: readonly unknown[],
  file: string | undefined,
): Evaluated[] {
  const problems: string[] = [];
  const evaluated = connections.flatMap((connection, index): Evaluated[] => {
    try {
      return [{ ...(connection as object), ...evaluateNamed(cluster, connection) }];
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      const where = file === undefined ? '' : `${file}: connection [${index}]: `;
      problems.push(...error.problems.map(({ field, reason }) => `${where}${field} ${reason}`));
      return [];
    }
  });
  if (problems.length > 0) throw new InputError(problems);
  return evaluated;
}

function table(evaluated: readonly Evaluated[]): string {
  const rows = evaluated.map((connection) => {
    const { verdict, egress, ingress, pending, notes } = connection;
    return [
      ...['from', 'to', 'protocol', 'port'].map((name) => given(connection, name)),
      verdict,
      egress.trace.join(' ') || '-',
      ingress.trace.join(' ') || '-',
      pending.verdict === verdict ? '-' : pending.verdict,
      notes.join('; ') || '-',
    ];
  });
  return formatTable(
    ['FROM', 'TO', 'PROTOCOL', 'PORT', 'VERDICT', 'EGRESS', 'INGRESS', 'PENDING', 'NOTES'],
    rows,
  );
}

/** One connection by lines, with all steps. */
function account(connection: Evaluated): string {
  const { verdict, egress, ingress, pending, notes } = connection;
  const [from, to, protocol, port] = ['from', 'to', 'protocol', 'port'].map((name) =>
    given(connection, name),
  );
  const steps = ({ verdict: said, trace }: ConnectionReport['egress']) =>
    [said.padEnd(7), ...(trace.length > 0 ? trace : ['no policy'])].join('  ');
  return [
    `${from} to ${to}, ${protocol}${port === '-' ? '' : ` ${port}`}: ${verdict}`,
    `  egress   ${steps(egress)}`,
    `  ingress  ${steps(ingress)}`,
    ...(pending.verdict === verdict ? [] : [`  with staged policies enforced: ${pending.verdict}`]),
    ...notes.map((note) => `  ${note}`),
  ].join('\n');
}

function given(connection: Evaluated, name: string): string {
  const value = connection[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '-';
}
