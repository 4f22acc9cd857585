import type { ApiClient } from '../client/api-client.js';
import { ClientError, EXIT } from '../client/errors.js';

/** Lag and losses of the services in the process of the API; of others, Prometheus has them. */
export interface ServiceCounters {
  /** Whether the user may read the metrics. */
  readonly isReadable: boolean;
  readonly lagMessages?: number;
  /** Sum of everything lost. */
  readonly lost: number;
  readonly losses: readonly { readonly name: string; readonly value: number }[];
}

const LAG = 'sonde_consumer_lag_messages';
const LOSS = /^sonde_\w*lost_\w+_total$/;

/** Reads the counters from `GET /metrics`. @throws ClientError */
export async function serviceCounters(client: ApiClient): Promise<ServiceCounters> {
  let text: string;
  try {
    text = await (await client.request('../../metrics')).text();
  } catch (error) {
    if (!(error instanceof ClientError) || error.exitCode !== EXIT.notAllowed) throw error;
    return { isReadable: false, lost: 0, losses: [] };
  }
  const samples = [...text.matchAll(/^(\w+)(\{[^}]*\})? (\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/gm)].map(
    ([, name = '', labels = '', value = '']) => ({ name, labels, value: Number(value) }),
  );
  const lags = samples.filter(({ name }) => name === LAG);
  const losses = samples
    .filter(({ name, value }) => LOSS.test(name) && value > 0)
    .map(({ name, labels, value }) => ({ name: `${name}${labels}`, value }));
  return {
    isReadable: true,
    ...(lags.length > 0 && { lagMessages: lags.reduce((sum, { value }) => sum + value, 0) }),
    lost: losses.reduce((sum, { value }) => sum + value, 0),
    losses,
  };
}
