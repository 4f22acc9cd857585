import { createHash } from 'node:crypto';
import { type RecognizeToken, TokenRefused } from './identity.js';

/** A token of a small set-up. Only its hash is kept, so a configuration that leaks lets nobody in. */
export interface StaticToken {
  /** Whose or what for; its identity is `token:<name>`. */
  readonly name: string;
  /** SHA-256 of the token, in hexadecimal: `printf %s "$TOKEN" | sha256sum`. */
  readonly sha256: string;
  readonly groups: readonly string[];
}

/** Static tokens hold until the configuration changes. */
export function staticTokens(tokens: readonly StaticToken[]): RecognizeToken {
  const byHash = new Map(tokens.map((token) => [token.sha256.toLowerCase(), token]));
  return (token) => {
    // Finding a hash takes longer or shorter by the hash, which tells nothing of the token.
    const known = byHash.get(sha256(token));
    if (!known) return Promise.reject(new TokenRefused('the token is not known'));
    const { name, groups } = known;
    return Promise.resolve({ subject: `token:${name}`, groups, untilMs: Infinity });
  };
}

/** What is wrong with tokens, each a sentence that names the token; empty if nothing is. */
export function staticTokenProblems(tokens: readonly StaticToken[]): string[] {
  const names = tokens.map(({ name }) => name);
  return [
    ...tokens
      .filter((token) => !/^[0-9a-fA-F]{64}$/.test(token.sha256))
      .map(({ name }) => `token ${name}: sha256 must be 64 hexadecimal digits`),
    ...names.filter((name, index) => names.indexOf(name) < index).map((name) => `token ${name} stands twice`),
  ];
}

/** A token's SHA-256 in hexadecimal. */
export function sha256(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
