/** Somebody whom an authentication method has recognized. */
export interface Identity {
  /** See `Access.subject`. */
  readonly subject: string;
  readonly groups: readonly string[];
  /** When this must be found out again, in milliseconds since 1970. */
  readonly untilMs: number;
}

/** A token that nobody has, or that holds no more. The message is for who sent it. */
export class TokenRefused extends Error {
  override readonly name = 'TokenRefused';
}

/**
 * Recognizes who has a token.
 * @throws TokenRefused; any other error means that it could not be found out.
 */
export type RecognizeToken = (token: string) => Promise<Identity>;
