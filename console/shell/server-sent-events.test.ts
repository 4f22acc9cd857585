import { expect, it } from 'vitest';
import { readEvents, type ServerSentEvent } from './server-sent-events.js';

async function eventsOf(...chunks: string[]): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = [];
  const body = new Blob(chunks).stream();
  for await (const event of readEvents(body)) events.push(event);
  return events;
}

it('reads events with and without a name', async () => {
  expect(await eventsOf('data: {"a":1}\n\nevent: dropped\ndata: {"records":5}\n\n')).toEqual([
    { event: 'message', data: '{"a":1}' },
    { event: 'dropped', data: '{"records":5}' },
  ]);
});

it('joins lines of data and skips comments', async () => {
  expect(await eventsOf(': keep-alive\n\ndata: one\ndata: two\n\n')).toEqual([
    { event: 'message', data: 'one\ntwo' },
  ]);
});

it('reads events that arrive in pieces', async () => {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of ['da', 'ta: é', '\n', '\ndata: x\n\n'])
        controller.enqueue(new TextEncoder().encode(piece));
      controller.close();
    },
  });
  const events: ServerSentEvent[] = [];
  for await (const event of readEvents(body)) events.push(event);
  expect(events.map(({ data }) => data)).toEqual(['é', 'x']);
});
