import { readFileSync } from 'node:fs';
import type { Logger } from '@sonde/backbone/logging';
import { readKubeConfig } from '@sonde/enricher/watch/kube-config';
import type { SecurityOptions } from '@sonde/query-api/access/authenticate';
import { readSecurity } from '@sonde/query-api/access/read-security';
import { parse } from 'yaml';

/** A file that says who may see what (docs/security.md). */
export interface SecurityFile {
  /** What it said when it was opened. */
  readonly security: SecurityOptions;
  /**
   * Has what it says taken up whenever that has changed; while it says nothing usable, the former holds. Returns what
   * ends this.
   */
  follow(takeUp: (security: SecurityOptions) => void, log: Logger): () => void;
}

/** How often it is looked whether it says something else. It is short, and read whole: times of files can deceive. */
const LOOK_MS = 10_000;

/** @throws Error that names the file if it cannot be read, SecurityError if it does not say who may see what. */
export function openSecurityFile(file: string): SecurityFile {
  let known = readFileSync(file, 'utf8');
  return {
    security: securityOf(known),
    follow(takeUp, log) {
      const look = () => {
        try {
          const text = readFileSync(file, 'utf8');
          if (text === known) return;
          known = text;
          takeUp(securityOf(text));
          log.info({ file }, 'took up who may see what');
        } catch (error) {
          log.error({ file, reason: String(error) }, 'the file is not usable; what it said before holds');
        }
      };
      const timer = setInterval(look, LOOK_MS).unref();
      return () => clearInterval(timer);
    },
  };
}

function securityOf(text: string): SecurityOptions {
  return readSecurity(parse(text), (kubeconfig) =>
    readKubeConfig(kubeconfig === undefined ? 'usual places' : { file: kubeconfig }),
  );
}
