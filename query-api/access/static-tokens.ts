import { createHash } from 'node:crypto';
import { type VerifyToken, TokenRejected } from './identity.js';

/** A token from the configuration. Only its hash is kept, so that a leaked configuration grants no access. */
export interface StaticToken {
  /** Name of the user or program; the subject is `token:<name>`. */
  readonly name: string;
  /** SHA-256 of the token, in hexadecimal: `printf %s "$TOKEN" | sha256sum`. */
  readonly sha256: string;
  readonly groups: readonly string[];
}

/** Verifies static tokens; they are valid until the configuration changes. */
export function staticTokens(tokens: readonly StaticToken[]): VerifyToken {
  const byHash = new Map(tokens.map((token) => [token.sha256.toLowerCase(), token]));
  return (token) => {
    // The duration of the lookup depends on the hash only, which reveals nothing about the token.
    const known = byHash.get(sha256(token));
    if (!known) return Promise.reject(new TokenRejected('unknown token'));
    const { name, groups } = known;
    return Promise.resolve({ subject: `token:${name}`, groups, untilMs: Infinity });
  };
}

/** The problems of tokens, each with the token's name; empty if there are none. */
export function staticTokenProblems(tokens: readonly StaticToken[]): string[] {
  const names = tokens.map(({ name }) => name);
  return [
    ...tokens
      .filter((token) => !/^[0-9a-fA-F]{64}$/.test(token.sha256))
      .map(({ name }) => `token ${name}: sha256 must be 64 hexadecimal digits`),
    ...names
      .filter((name, index) => names.indexOf(name) < index)
      .map((name) => `token ${name}: duplicate name`),
  ];
}

/** A token's SHA-256 in hexadecimal. */
export function sha256(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
