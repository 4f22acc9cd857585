import path from 'node:path';
import { execInNamespace } from '@sonde/deploy/lab/command/namespace';

/** A TCP connection to be made; it asks an HTTP server for bytes and sends some. */
export interface ConnectionToMake {
  readonly host: string;
  readonly port: number;
  readonly localPort: number;
  readonly requestBytes?: number;
  readonly responseBytes?: number;
}

/** Makes connections from a network namespace, all at once, and tells how each ended. */
export async function makeConnections(
  networkNamespace: string,
  connections: readonly ConnectionToMake[],
): Promise<('answered' | 'refused' | 'unanswered')[]> {
  const program = path.join(import.meta.dirname, 'make-connections.mjs');
  const input = JSON.stringify(connections);
  const { stdout, stderr } = await execInNamespace(networkNamespace, [process.execPath, program], { input });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as ('answered' | 'refused' | 'unanswered')[];
}
