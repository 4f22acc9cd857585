import { sendRequest } from './send-request.js';
import { type Dashboard, dashboards, panels } from './dashboards.js';

/** The measurements of the clients. */
export interface ClientReport {
  /** The durations of all requests, sorted. */
  readonly millis: readonly number[];
  readonly seconds: number;
}

const CLIENTS = 50;
const WARM_UP_MS = 5_000;
const MEASURED_MS = 30_000;

/**
 * A process of clients, `dashboard-clients URL`. Each sends the requests of its dashboard's panels one after the other, as
 * fast as they are answered, repeatedly.
 */
const [, , url = ''] = process.argv;
const measureFromMs = performance.now() + WARM_UP_MS;
const endMs = measureFromMs + MEASURED_MS;
const millis: number[] = [];
await Promise.all(dashboards(CLIENTS).map(refresh));
const report: ClientReport = {
  millis: millis.sort((a, b) => a - b),
  seconds: (performance.now() - measureFromMs) / 1000,
};
process.send?.(report);
process.disconnect();

async function refresh(dashboard: Dashboard, person: number): Promise<void> {
  const requests = panels(dashboard);
  for (let panel = person; performance.now() < endMs; panel++) {
    const request = requests[panel % requests.length];
    if (!request) continue;
    const askedMs = performance.now();
    await sendRequest(url, request);
    if (askedMs >= measureFromMs) millis.push(performance.now() - askedMs);
  }
}
