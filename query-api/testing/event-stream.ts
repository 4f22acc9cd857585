import type { TestClient } from './test-api.js';

/** What somebody reads of a stream of server-sent events. */
export interface EventStream {
  readonly headers: Headers;
  /** The next event that holds data; waits for it. */
  next(): Promise<{ event: string; data: Record<string, unknown> }>;
  leave(): void;
}

/** Opens a stream of server-sent events. @throws Error if the answer is none. */
export async function openEventStream(who: Pick<TestClient, 'open'>, target: string): Promise<EventStream> {
  const leaving = new AbortController();
  const response = await who.open(target, leaving.signal);
  if (response.status !== 200 || !response.body) throw new Error(`${target}: ${await response.text()}`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  return {
    headers: response.headers,
    async next() {
      for (;;) {
        const end = text.indexOf('\n\n');
        if (end < 0) {
          const { value, done } = await reader.read();
          if (done) throw new Error('the stream has ended');
          text += value;
          continue;
        }
        const lines = text.slice(0, end).split('\n');
        text = text.slice(end + 2);
        const value = (name: string) =>
          lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        const data = value('data');
        if (data === undefined) continue;
        return { event: value('event') ?? '', data: JSON.parse(data) as Record<string, unknown> };
      }
    },
    leave: () => leaving.abort(),
  };
}
