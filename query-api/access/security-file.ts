import { readFileSync } from 'node:fs';
import type { Logger } from '@sonde/backbone/logging';
import { parse } from 'yaml';
import type { SecurityOptions } from './authenticate.js';
import { readSecurity } from './read-security.js';

/** Loads a kubeconfig file, or without one that of the environment or of the pod. */
export type CredentialsOf = Parameters<typeof readSecurity>[1];

/** An access configuration file (docs/security.md). */
export interface SecurityFile {
  /** The configuration when the file was opened. */
  readonly security: SecurityOptions;
  /**
   * Calls `reload` whenever the configuration in the file has changed; while the file is invalid, the previous
   * configuration stays in effect. Returns a function that stops watching.
   */
  watch(reload: (security: SecurityOptions) => void, log: Logger): () => void;
}

/** How often the file is read. It is small and read whole, because modification times are unreliable. */
const POLL_MS = 10_000;

/** @throws Error that names the file if it cannot be read, SecurityError if it is invalid. */
export function openSecurityFile(file: string, credentialsOf: CredentialsOf): SecurityFile {
  let current = readFileSync(file, 'utf8');
  return {
    security: readSecurity(parse(current), credentialsOf),
    watch(reload, log) {
      const poll = () => {
        try {
          const content = readFileSync(file, 'utf8');
          if (content === current) return;
          current = content;
          reload(readSecurity(parse(content), credentialsOf));
          log.info({ file }, 'access configuration reloaded');
        } catch (error) {
          log.error(
            { file, reason: String(error) },
            'access configuration is invalid; keeping the previous one',
          );
        }
      };
      const timer = setInterval(poll, POLL_MS).unref();
      return () => clearInterval(timer);
    },
  };
}
