import type { ManifestCluster } from '@sonde/model/policy/manifests/cluster';
import {
  ConnectionError,
  evaluateNamed,
  type ConnectionReport,
} from '@sonde/model/policy/manifests/connection';
import { InputError, loadCluster, readJson } from './load.js';
import { formatTable } from '../table/format.js';

/** A connection as it was asked for, with what policies say of it. */
type Evaluated = Readonly<Record<string, unknown>> & ConnectionReport;

/**
 * Evaluates the connections of a JSON file over a cluster of manifests.
 * @returns The output's text: a JSON list of the same length and order, or a table.
 * @throws InputError naming whatever cannot be read, or is not there.
 */
export async function evaluate(
  manifests: readonly string[],
  connectionsFile: string,
  dnsFile: string | undefined,
  output: 'json' | 'table',
): Promise<string> {
  const cluster = await loadCluster(manifests, dnsFile);
  const connections = await readJson(connectionsFile);
  if (!Array.isArray(connections))
    throw new InputError([`${connectionsFile}: must be a list of connections`]);
  const evaluated = evaluateAll(cluster, connections, connectionsFile);
  return output === 'json' ? JSON.stringify(evaluated, null, 2) : table(evaluated);
}

function evaluateAll(cluster: ManifestCluster, connections: readonly unknown[], file: string): Evaluated[] {
  const problems: string[] = [];
  const evaluated = connections.flatMap((connection, index): Evaluated[] => {
    try {
      return [{ ...(connection as object), ...evaluateNamed(cluster, connection) }];
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      problems.push(
        ...error.problems.map(({ field, reason }) => `${file}: connection [${index}]: ${field} ${reason}`),
      );
      return [];
    }
  });
  if (problems.length > 0) throw new InputError(problems);
  return evaluated;
}

function table(evaluated: readonly Evaluated[]): string {
  const rows = evaluated.map((connection) => {
    const { verdict, egress, ingress, pending, notes } = connection;
    const text = (name: string) => {
      const value = connection[name];
      return typeof value === 'string' || typeof value === 'number' ? String(value) : '-';
    };
    return [
      text('from'),
      text('to'),
      text('protocol'),
      text('port'),
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
