/** What is wrong with a setting, and who gave it. */
export interface ConfigurationProblem {
  readonly key?: string;
  readonly origin?: string;
  readonly reason: string;
}

/** A service's configuration cannot be used; the message lists all that is wrong, a line each. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';

  constructor(readonly problems: readonly ConfigurationProblem[]) {
    super(
      problems
        .map(({ key, origin, reason }) => {
          const who = origin === undefined ? '' : ` (${origin})`;
          return key === undefined ? `${reason}${who}` : `${key}${who}: ${reason}`;
        })
        .join('\n'),
    );
  }
}
