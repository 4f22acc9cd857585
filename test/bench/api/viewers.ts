import { serverSentEvents } from '@sonde/cli/observe/event-stream';

/** What all viewers together were given, and what was left out for them. */
export interface ViewerCounts {
  readonly records: number;
  readonly dropped: number;
}

/** A process that watches the live views of an API: `viewers URL FILTERS`, the filters as a JSON array. */
const [, , url = '', filters = '[]'] = process.argv;
let records = 0;
let dropped = 0;

async function watch(filter: string): Promise<void> {
  const response = await fetch(`${url}/api/v1/flows/live?filter=${encodeURIComponent(filter)}`);
  if (!response.body) throw new Error(await response.text());
  void read(response.body);
}

async function read(body: ReadableStream<Uint8Array>): Promise<void> {
  for await (const { name, data } of serverSentEvents(body)) {
    if (name === '') records += 1;
    else dropped += (JSON.parse(data) as { records: number }).records;
  }
}

await Promise.all((JSON.parse(filters) as string[]).map(watch));
process.send?.('ready');
process.on('message', () => process.send?.({ records, dropped } satisfies ViewerCounts));
process.on('disconnect', () => process.exit());
