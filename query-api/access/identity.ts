/** An authenticated client. */
export interface Identity {
  /** See `Access.subject`. */
  readonly subject: string;
  readonly groups: readonly string[];
  /** When the token must be verified again, in ms since 1970. */
  readonly untilMs: number;
}

/** A token that is unknown, invalid or expired. The message is for the client. */
export class TokenRejected extends Error {
  override readonly name = 'TokenRejected';
}

/**
 * Verifies a token.
 * @throws TokenRejected; any other error means that it could not be verified.
 */
export type VerifyToken = (token: string) => Promise<Identity>;
