const TOKEN_KEY = 'sonde.token';

/** The bearer token of this browser tab; undefined where none was entered. */
export function readToken(): string | undefined {
  return sessionStorage.getItem(TOKEN_KEY) ?? undefined;
}

/** Keeps a token until the tab is closed; undefined forgets it. */
export function writeToken(token: string | undefined): void {
  if (token === undefined) sessionStorage.removeItem(TOKEN_KEY);
  else sessionStorage.setItem(TOKEN_KEY, token);
}
