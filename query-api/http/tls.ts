import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Logger } from '@sonde/backbone/logging';

/** PEM files of a certificate with its chain and of its private key. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

/** An `https` server, whose certificate can be replaced. */
export interface ReloadableServer {
  setSecureContext(options: SecureContextOptions): void;
}

/** How often the files are checked for changes. */
const POLL_MS = 10_000;

/**
 * Options for `https.createServer`.
 * @throws Error that names the files if one cannot be read or they are not a certificate and its key.
 */
export function tlsOptions(files: TlsFiles) {
  const pair = { cert: readFileSync(files.certificate), key: readFileSync(files.key) };
  try {
    createSecureContext(pair);
  } catch (error) {
    const reason = (error as Error).message;
    throw new Error(`${files.certificate} and ${files.key} are not a certificate and its key: ${reason}`, {
      cause: error,
    });
  }
  return { ...pair, minVersion: 'TLSv1.2' } as const;
}

/**
 * Makes new connections use the certificate whenever the files change; while they are invalid, the previous one stays in
 * use. Returns a function that stops watching. Files are polled by path, which notices the symbolic links that
 * Kubernetes swaps in a mounted secret.
 */
export function reloadTls(
  server: ReloadableServer,
  files: TlsFiles,
  log: Logger,
  pollMs = POLL_MS,
): () => void {
  const paths = [files.certificate, files.key];
  const reload = () => {
    try {
      server.setSecureContext(tlsOptions(files));
      log.info({ files: paths }, 'certificate reloaded');
    } catch (error) {
      log.error({ err: error }, 'certificate is invalid; keeping the previous one');
    }
  };
  for (const file of paths) watchFile(file, { interval: pollMs, persistent: false }, reload);
  return () => {
    for (const file of paths) unwatchFile(file, reload);
  };
}
