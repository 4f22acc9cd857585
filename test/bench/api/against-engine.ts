import path from 'node:path';
import { ChdbConnection } from '@sonde/backbone/store/chdb/connection';
import { formatParameters } from '@sonde/backbone/store/chdb/parameters';
import type { FlowStore, QueryParameters } from '@sonde/backbone/store/store';
import { sendRequest } from './send-request.js';
import { dashboards, panels } from './dashboards.js';

const PEOPLE = 20;

/**
 * Asks for the panels of some dashboards one after the other, each once, then has the engine alone run the same statements: what
 * the API adds, in CPU time of this process, engine included.
 */
export async function measureAgainstEngine(
  url: string,
  store: FlowStore,
  directory: string,
): Promise<Record<string, number>> {
  const requests = new Map(
    dashboards(PEOPLE)
      .flatMap(panels)
      .map((request) => [JSON.stringify(request), request]),
  );
  const statements: { sql: string; parameters: QueryParameters }[] = [];
  const query = store.query.bind(store);
  store.query = (sql, parameters = {}, options) => {
    statements.push({ sql, parameters });
    return query(sql, parameters, options);
  };
  const ofApi = await cpuSeconds(async () => {
    for (const request of requests.values()) await sendRequest(url, request);
  });
  store.query = query;
  const engine = new ChdbConnection(path.join(directory, 'chdb'));
  const ofEngine = await cpuSeconds(async () => {
    for (const { sql, parameters } of statements)
      await engine.run(sql, formatParameters(parameters), 'JSONEachRow', {});
  });
  engine.close();
  return {
    'api.cpuMillisPerRequest': (ofApi / requests.size) * 1000,
    'api.cpuRatioToEngine': ofApi / ofEngine,
  };
}

async function cpuSeconds(action: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await action();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
