import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ChdbConnection } from '@sonde/backbone/store/chdb/connection';
import { formatParameters } from '@sonde/backbone/store/chdb/parameters';
import { EndpointError } from './errors.js';
import type { StatementRequest } from './request.js';

/** A running query, like a row of `system.processes`. */
interface Running {
  readonly queryId: string;
  readonly ended: Promise<unknown>;
}

const CONNECTIONS = 4;

/** chDB used like a server's engine: several concurrent statements, each with a query ID. */
export class EmbeddedEngine {
  /** The setting that makes a connection read-only cannot be reset, so readers and writers are separate. */
  readonly #idle = { read: [] as ChdbConnection[], write: [] as ChdbConnection[] };
  readonly #waiting = { read: [] as Waiter[], write: [] as Waiter[] };
  readonly #all: ChdbConnection[] = [];
  readonly #killer: ChdbConnection;
  readonly #running = new Set<Running>();
  #bodies = 0;

  private constructor(
    directory: string,
    private readonly bodies: string,
  ) {
    this.#killer = this.#connect(directory);
    for (let i = 0; i < CONNECTIONS; i++) {
      this.#idle.read.push(this.#connect(directory));
      this.#idle.write.push(this.#connect(directory));
    }
  }

  static async open(directory: string): Promise<EmbeddedEngine> {
    await mkdir(directory, { recursive: true });
    return new EmbeddedEngine(path.join(directory, 'engine'), await mkdtemp(path.join(directory, 'bodies-')));
  }

  /** Runs a statement; when `gone` aborts, it is canceled if it has the setting for that. */
  async run(request: StatementRequest, gone: AbortSignal): Promise<Uint8Array> {
    if (/^KILL QUERY\b/i.test(request.sql)) return await this.#kill(request);
    if ([...this.#running].some(({ queryId }) => queryId === request.queryId)) {
      throw new EndpointError(
        216,
        `Query with id = ${request.queryId} is already running`,
        'QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING',
      );
    }
    const ended = this.#execute(request);
    const running = { queryId: request.queryId, ended: ended.catch(() => undefined) };
    this.#running.add(running);
    const end = () => void this.#killRunning([running]);
    if (request.endsWithClient) gone.addEventListener('abort', end, { once: true });
    try {
      return await ended;
    } finally {
      gone.removeEventListener('abort', end);
      this.#running.delete(running);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running].map(({ ended }) => ended));
    for (const connection of this.#all) connection.close();
    await rm(this.bodies, { recursive: true, force: true });
  }

  async #execute(request: StatementRequest): Promise<Uint8Array> {
    const { sql, data, format, database, parameters, queryId } = request;
    const kind = request.settings['readonly'] === undefined ? 'write' : 'read';
    const connection = await this.#take(kind);
    const file = data && path.join(this.bodies, String(this.#bodies++));
    try {
      if (file !== undefined) await writeFile(file, data ?? '');
      const statement = file === undefined ? sql : readingFile(sql, format, file);
      const settings = { ...request.settings, log_comment: queryId };
      await connection.run(`USE \`${database}\``, {}, 'Null', { settings });
      // Over HTTP they are escaped as in a tab-separated file, too.
      return await connection.run(statement, parameters, format, { settings });
    } finally {
      this.#give(kind, connection);
      if (file !== undefined) await rm(file, { force: true });
    }
  }

  /** The engine evaluates the condition over the queries that run here. */
  async #kill({ sql }: StatementRequest): Promise<Uint8Array> {
    const condition = /^KILL QUERY WHERE ([\s\S]*?)(?: SYNC| ASYNC)?$/i.exec(sql)?.[1];
    if (condition === undefined) throw new EndpointError(62, `Cannot parse ${sql}`, 'SYNTAX_ERROR');
    const ids = [...this.#running].map(({ queryId }) => queryId);
    const chosen = await this.#killer.run(
      `SELECT query_id FROM (SELECT arrayJoin({ids:Array(String)}) AS query_id, query_id AS initial_query_id) WHERE ${condition}`,
      formatParameters({ ids }),
      'TabSeparated',
      { settings: { log_comment: 'kill' } },
    );
    const killed = new Set(new TextDecoder().decode(chosen).split('\n'));
    await this.#killRunning([...this.#running].filter(({ queryId }) => killed.has(queryId)));
    return new Uint8Array();
  }

  /** KILL QUERY … SYNC waits forever in chDB, so the query is killed without SYNC and its end is awaited here. */
  async #killRunning(running: readonly Running[]): Promise<void> {
    for (const { queryId } of running) {
      await this.#killer.run(
        "KILL QUERY WHERE Settings['log_comment'] = {id:String}",
        formatParameters({ id: queryId }),
        'Null',
        { settings: { log_comment: 'kill' } },
      );
    }
    await Promise.all(running.map(({ ended }) => ended));
  }

  #connect(directory: string): ChdbConnection {
    const connection = new ChdbConnection(directory);
    this.#all.push(connection);
    return connection;
  }

  async #take(kind: 'read' | 'write'): Promise<ChdbConnection> {
    return this.#idle[kind].pop() ?? (await new Promise((resolve) => this.#waiting[kind].push(resolve)));
  }

  #give(kind: 'read' | 'write', connection: ChdbConnection): void {
    const next = this.#waiting[kind].shift();
    if (next) next(connection);
    else this.#idle[kind].push(connection);
  }
}

type Waiter = (connection: ChdbConnection) => void;

/** chDB reads data only from files, so an INSERT from the request's body is rewritten to read a file. */
function readingFile(sql: string, format: string, file: string): string {
  const statement = sql.replace(/\sFORMAT\s+\w+\s*$/i, '');
  const fromInput = statement.replace(/\binput\((?=')/, `file('${file}', '${format}', `);
  if (fromInput !== statement) return fromInput;
  return `${statement} SELECT * FROM file('${file}', '${format}')`;
}
