import type { Request } from './dashboards.js';

/** Sends a request and reads the whole response. @throws Error with the response if it is not successful. */
export async function sendRequest(url: string, { path, body }: Request): Promise<void> {
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
