/** The identity and rights of a user (`GET /api/v1/whoami`). */
export interface Identity {
  readonly subject: string;
  readonly rights: Readonly<Record<string, 'all' | readonly string[]>>;
}

/** The namespaces of a right as text. */
export function namespacesText(namespaces: 'all' | readonly string[] | undefined): string {
  if (namespaces === 'all') return 'all namespaces';
  if (namespaces === undefined || namespaces.length === 0) return 'no namespaces';
  return `namespaces ${namespaces.join(', ')}`;
}
