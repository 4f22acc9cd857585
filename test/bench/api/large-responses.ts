import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Logger } from '@sonde/backbone/logging';
import { openChdbStore } from '@sonde/backbone/store/chdb/chdb-store';
import { startQueryApi } from '@sonde/query-api/server';
import { Registry } from 'prom-client';
import { enrichedFlows } from '../../builders/enriched-flows.js';
import { securityOf, viewOf } from '../../builders/security.js';
import { inTemporaryDirectory } from '../measure/temporary-directory.js';
import type { LargeResponsesReport } from './large-responses-clients.js';

const FLOWS = 10_000;
const TOKEN = 'reader';

/**
 * Measures how long `/healthz` takes, and how long the event loop is blocked, while one reader of a namespace requests
 * many pages of 10,000 flows at once.
 */
export function measureLargeResponses(log: Logger): Promise<Record<string, number>> {
  return inTemporaryDirectory('api-large', async (directory) => {
    const store = await openChdbStore({ directory, log });
    await store.migrate();
    await store.insert({ flows: enrichedFlows(Array.from({ length: FLOWS }, (_, row) => flow(row))) });
    const api = await startQueryApi({
      ...{ store, port: 0, registry: new Registry(), log },
      limits: { querySeconds: 300, waiting: 1000, requests: { burst: Infinity, perSecond: 1 } },
      security: securityOf({ [TOKEN]: [viewOf(['shop'])] }),
    });
    const eventLoop = monitorEventLoopDelay({ resolution: 5 });
    try {
      const clients = fork(path.join(import.meta.dirname, 'large-responses-clients.js'), [api.url, TOKEN]);
      eventLoop.enable();
      const [report] = (await once(clients, 'message')) as [LargeResponsesReport];
      eventLoop.disable();
      return {
        'api.largeResponsesPerSecond': report.responses / report.seconds,
        'api.largeResponsesHealthzMaxMillis': report.healthzMaxMillis,
        'api.largeResponsesBlockedMaxMillis': eventLoop.max / 1e6,
      };
    } finally {
      await api.close();
      await store.close();
    }
  });
}

function flow(row: number) {
  const side = (name: string) => ({
    [`${name}_kind`]: 'pod',
    [`${name}_namespace`]: 'shop',
    [`${name}_name`]: `web-${row % 500}-7d9f8b6c5d-abcde`,
    [`${name}_workload`]: `web-${row % 50}`,
    [`${name}_labels`]: `app=web-${row % 50},pod-template-hash=7d9f8b6c5d,tier=frontend,version=v${row % 7}`,
    [`${name}_node`]: `node-${row % 100}`,
  });
  return {
    start_time: Date.now() - 60_000 - (row % 600) * 1000,
    ...{ src_ip: '10.0.0.1', dst_ip: '10.0.0.2', primary: true, src_port: 1024 + row },
    ...{
      ...side('src'),
      ...side('dst'),
      bytes_out: row * 1000,
      policies: '0|default|np:shop/allow-web|allow|0',
    },
  };
}
