/** Events delivered to subscribers and events dropped for them. */
export interface ViewerCounts {
  records: number;
  dropped: number;
}

/**
 * A process that subscribes to live views of an API: `subscribers URL FILTERS`, the filters as a JSON array. It counts
 * events without parsing them: parsing JSON for two hundred subscribers would take more CPU time than the API has.
 */
const [, , url = '', filters = '[]'] = process.argv;
/** By filter. */
const counts: Record<string, ViewerCounts> = {};

async function watch(filter: string): Promise<void> {
  const response = await fetch(`${url}/api/v1/flows/live?filter=${encodeURIComponent(filter)}`);
  if (!response.body) throw new Error(await response.text());
  void read(response.body, (counts[filter] ??= { records: 0, dropped: 0 }));
}

const END_OF_EVENT = Buffer.from('\n\n');
const RECORD = Buffer.from('data: ');

async function read(body: ReadableStream<Uint8Array>, counted: ViewerCounts): Promise<void> {
  let rest = Buffer.alloc(0);
  for await (const chunk of body) {
    const bytes = Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(END_OF_EVENT); end >= 0; end = bytes.indexOf(END_OF_EVENT, start)) {
      count(counted, bytes, start, end);
      start = end + END_OF_EVENT.length;
    }
    rest = bytes.subarray(start);
  }
}

function count(counted: ViewerCounts, bytes: Buffer, start: number, end: number): void {
  if (bytes.subarray(start, start + RECORD.length).equals(RECORD)) counted.records += 1;
  else counted.dropped += Number(/"records":(\d+)/.exec(bytes.toString('latin1', start, end))?.[1] ?? 0);
}

await Promise.all((JSON.parse(filters) as string[]).map(watch));
process.send?.('ready');
process.on('message', () => process.send?.(counts));
process.on('disconnect', () => process.exit());
