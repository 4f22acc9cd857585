/** Exit codes besides 0 and 1, which is for everything that has none of its own (docs/cli.md). */
export const EXIT = {
  /** The server cannot be reached. */
  unreachable: 3,
  /** The server does not accept the token or denies access. */
  notAllowed: 4,
  /** The server refused the question as wrong, or has not what was asked for. */
  refused: 5,
  /** The server failed, or is too busy. */
  failed: 6,
  /** `--exit-code` was given, and there was something to tell. */
  found: 10,
} as const;

/** A question that could not be answered; the message says what to do. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}
