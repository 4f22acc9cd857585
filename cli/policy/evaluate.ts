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
import type { Screen } from '../table/screen.js';
import { traceTexts } from '../table/trace-text.js';

/** A requested connection with the result of its evaluation. */
type Evaluated = Readonly<Record<string, unknown>> & ConnectionReport;

export interface EvaluateOptions extends ServerOptions {
  readonly manifests?: readonly string[];
  readonly dns?: string;
  /** A file of connections; without it, the command line names one. */
  readonly connections?: string;
  readonly protocol: string;
  readonly cluster?: string;
  readonly since: string;
  readonly at: string;
  readonly output: 'json' | 'table';
}

/**
 * Evaluates the connections of a JSON file, or one given as `[from, to, port]`, with manifests or by a server.
 * @returns The text (with `json` a list of the same length and order), and whether all connections are allowed.
 * @throws InputError with everything that cannot be read or does not exist.
 */
export async function evaluate(
  words: readonly string[],
  options: EvaluateOptions,
  { width }: Pick<Screen, 'width'>,
): Promise<{ readonly text: string; readonly isAllowed: boolean }> {
  const { manifests, dns, output } = options;
  const file = options.connections;
  if (!manifests && dns !== undefined) throw new InputError(['--dns requires --manifests.']);
  if ((file === undefined) === (words.length === 0)) {
    throw new InputError([
      'Give one connection as FROM TO PORT, or a file of connections with --connections.',
    ]);
  }
  const connections = file === undefined ? [namedConnection(words, options.protocol)] : await readList(file);
  const evaluated = manifests
    ? evaluateAll(await loadCluster(manifests, dns), connections, file)
    : await evaluateByServer(connections, options);
  const isAllowed = evaluated.every(({ verdict }) => verdict === 'allow');
  if (output === 'json') return { text: jsonText(evaluated, 2), isAllowed };
  const shown = printable(evaluated);
  return { text: file === undefined ? shown.map(account).join('\n\n') : table(shown, width), isAllowed };
}

function namedConnection([from, to, port]: readonly string[], protocol: string): object {
  if (from === undefined || to === undefined)
    throw new InputError(['Give source, destination and port: FROM TO PORT.']);
  if (port === undefined) return { from, to, protocol };
  if (!/^\d+$/.test(port))
    throw new InputError([`PORT must be a number, not "${port}"; set the protocol with --protocol.`]);
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
  const request = { ...(cluster === undefined ? {} : { cluster }), from, to, connections };
  try {
    const answer = await client.post<{ connections: readonly Evaluated[] }>('policies/evaluate', request);
    return answer.connections;
  } catch (error) {
    // The command line has no list of connections.
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

function table(evaluated: readonly Evaluated[], width: number | undefined): string {
  const rows = evaluated.map((connection) => {
    const { verdict, egress, ingress, pending, notes } = connection;
    return [
      ...['from', 'to', 'protocol', 'port'].map((name) => given(connection, name)),
      verdict,
      traceTexts(egress.trace).at(-1) ?? '-',
      traceTexts(ingress.trace).at(-1) ?? '-',
      pending.verdict === verdict ? '-' : pending.verdict,
      notes.join('; ') || '-',
    ];
  });
  return formatTable(
    ['FROM', 'TO', 'PROTOCOL', 'PORT', 'VERDICT', 'EGRESS', 'INGRESS', 'PENDING', 'NOTES'],
    rows,
    { width },
  );
}

/** One connection in several lines, with all steps of its traces. */
function account(connection: Evaluated): string {
  const { verdict, egress, ingress, pending, notes } = connection;
  const [from, to, protocol, port] = ['from', 'to', 'protocol', 'port'].map((name) =>
    given(connection, name),
  );
  return [
    `${from} to ${to}, ${protocol}${port === '-' ? '' : ` ${port}`}: ${verdict}`,
    ...directionLines('egress', egress),
    ...directionLines('ingress', ingress),
    ...(pending.verdict === verdict ? [] : [`  with staged policies enforced: ${pending.verdict}`]),
    ...notes.map((note) => `  ${note}`),
  ].join('\n');
}

/** `egress` at the source or `ingress` at the destination: the verdict, then a step per line. */
function directionLines(name: string, { verdict, trace }: ConnectionReport['egress']): string[] {
  const steps = trace.length > 0 ? traceTexts(trace) : ['no policy applies'];
  return steps.map(
    (step, at) => `  ${(at === 0 ? name : '').padEnd(9)}${(at === 0 ? verdict : '').padEnd(9)}${step}`,
  );
}

function given(connection: Evaluated, name: string): string {
  const value = connection[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '-';
}
