import type { Request } from './dashboards.js';

/** Asks and reads the answer to its end. @throws Error with the answer if it is none of success. */
export async function ask(url: string, { path, body }: Request): Promise<void> {
  const response = await fetch(url + path, {
    ...(body && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
}
