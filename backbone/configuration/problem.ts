/** An invalid setting and where it was set. */
export interface ConfigurationProblem {
  readonly key?: string;
  readonly origin?: string;
  readonly reason: string;
}

/** A service's configuration is invalid; the message lists every problem, one per line. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly code = 'SONDE_CONFIGURATION_INVALID';

  constructor(readonly problems: readonly ConfigurationProblem[]) {
    super(
      problems
        .map(({ key, origin, reason }) => {
          const where = origin === undefined ? '' : ` (${origin})`;
          return key === undefined ? `${reason}${where}` : `${key}${where}: ${reason}`;
        })
        .join('\n'),
    );
  }
}
