import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Logger } from '@sonde/backbone/logging';

/** A certificate with its chain, and its private key, as files in PEM. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

/** What a server of `https` can do. */
export interface ReloadableServer {
  setSecureContext(options: SecureContextOptions): void;
}

/** How often it is looked whether the files were renewed. */
const LOOK_MS = 10_000;

/**
 * What `https.createServer` takes.
 * @throws Error that names the file if one cannot be read or they are no certificate and its key.
 */
export function tlsOptions(files: TlsFiles) {
  const pair = { cert: readFileSync(files.certificate), key: readFileSync(files.key) };
  try {
    createSecureContext(pair);
  } catch (error) {
    const reason = (error as Error).message;
    throw new Error(`${files.certificate} and ${files.key} are no certificate and its key: ${reason}`, {
      cause: error,
    });
  }
  return { ...pair, minVersion: 'TLSv1.2' } as const;
}

/**
 * Has new connections use the files' contents whenever they change; while those are no pair, the former ones hold.
 * Returns what ends the watch. Files are looked at by their path, so links that are swapped, as Kubernetes swaps
 * those of a mounted secret, are noticed.
 */
export function reloadTls(
  server: ReloadableServer,
  files: TlsFiles,
  log: Logger,
  lookMs = LOOK_MS,
): () => void {
  const paths = [files.certificate, files.key];
  const reload = () => {
    try {
      server.setSecureContext(tlsOptions(files));
      log.info({ files: paths }, 'certificate reloaded');
    } catch (error) {
      log.error({ err: error }, 'a changed certificate is not usable; the former one holds');
    }
  };
  for (const file of paths) watchFile(file, { interval: lookMs, persistent: false }, reload);
  return () => {
    for (const file of paths) unwatchFile(file, reload);
  };
}
