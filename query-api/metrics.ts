import { Counter, Histogram, type Registry } from 'prom-client';
import type { RequestLimitName } from './limits/limit-requests.js';

/** What the API reports to its metrics. */
export interface ApiObserver {
  /** A response has ended. `route` is the declared path, `none` if the request matched no route. */
  readonly onResponse: (labels: { method: string; route: string; status: number }, seconds: number) => void;
  /** A request was refused because its identity exceeded a limit. */
  readonly onRefused: (limit: RequestLimitName) => void;
}

/** Registers the metrics of the query API; returns the observer that updates them. */
export function registerApiMetrics(registry: Registry): ApiObserver {
  const registers = [registry];
  const durations = new Histogram({
    name: 'sonde_api_request_duration_seconds',
    help: 'Time from a request to the end of its response, by method, route and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30],
    registers,
  });
  const refused = new Counter({
    name: 'sonde_api_refused_requests_total',
    help: 'Requests refused with status 429, by limit (rate, waiting, streams)',
    labelNames: ['limit'],
    registers,
  });
  for (const limit of ['rate', 'waiting', 'streams'] as const) refused.inc({ limit }, 0);
  return {
    onResponse: (labels, seconds) => durations.observe(labels, seconds),
    onRefused: (limit) => refused.inc({ limit }),
  };
}
