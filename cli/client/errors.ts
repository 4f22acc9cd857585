/** Exit codes besides 0 and 1, which stands for all other errors (docs/cli.md). */
export const EXIT = {
  /** The server cannot be reached. */
  unreachable: 3,
  /** The server does not accept the token or denies access. */
  notAllowed: 4,
  /** The server rejected the request as invalid, or what it names does not exist. */
  refused: 5,
  /** The server failed or is overloaded. */
  failed: 6,
  /** `--exit-code` was given, and there is a finding. */
  found: 10,
} as const;

/** A request that failed; the message says what to do. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}
