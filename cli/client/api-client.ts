import { ClientError, EXIT } from './errors.js';
import { printable } from '../table/printable.js';

/** Parameters of a question; those that are undefined are left out. */
export type Parameters = Readonly<Record<string, string | number | undefined>>;

/** Gives the token to show to a server, a good one each time; undefined where none is needed. */
export type TokenSource = () => Promise<string | undefined>;

/** Asks a query API. Every failure is a {@link ClientError} that says what to do. */
export class ApiClient {
  constructor(
    readonly server: string,
    private readonly token?: TokenSource,
  ) {}

  /** `GET` of a path below `/api/v1`. @throws ClientError */
  async get<Answer>(path: string, parameters: Parameters = {}): Promise<Answer> {
    const given = Object.entries(parameters).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, String(value)]],
    );
    const query = new URLSearchParams(given).toString();
    const filter = parameters['filter'];
    const response = await this.request(
      `${path}${query === '' ? '' : `?${query}`}`,
      {},
      typeof filter === 'string' ? filter : undefined,
    );
    return (await response.json()) as Answer;
  }

  /** `POST` to a path below `/api/v1`. @throws ClientError */
  async post<Answer>(path: string, body: object): Promise<Answer> {
    const response = await this.#post(path, body);
    return (await response.json()) as Answer;
  }

  /** The same where the answer is a text that is no JSON. */
  async postForText(path: string, body: object): Promise<string> {
    return (await this.#post(path, body)).text();
  }

  /**
   * Any request to a path below `/api/v1`; gives the answer if it is no error. `filter` is the one that it asks by, for
   * errors to show the place in it.
   * @throws ClientError
   */
  async request(path: string, init: RequestInit, filter?: string): Promise<Response> {
    const headers = new Headers(init.headers);
    const token = await this.token?.();
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    let response: Response;
    try {
      response = await fetch(new URL(`/api/v1/${path}`, this.server), { ...init, headers });
    } catch (error) {
      if (error instanceof Error && error.name === 'AbortError') throw error;
      const cause =
        error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      throw new ClientError(
        `${this.server} does not answer (${cause}): is \`sonde up\` running there?`,
        EXIT.unreachable,
      );
    }
    if (!response.ok) throw await refusal(this.server, response, filter);
    return response;
  }

  #post(path: string, body: object): Promise<Response> {
    const filter = 'filter' in body && typeof body.filter === 'string' ? body.filter : undefined;
    const headers = { 'content-type': 'application/json' };
    return this.request(path, { method: 'POST', headers, body: JSON.stringify(body) }, filter);
  }
}

async function refusal(server: string, response: Response, filter: string | undefined): Promise<ClientError> {
  const { status } = response;
  const reason = await problemText(response, filter);
  if (status === 401) {
    return new ClientError(`${server} does not know you (${reason}): \`sonde login\``, EXIT.notAllowed);
  }
  if (status === 403 || status === 421) {
    return new ClientError(`${server} does not let you do this: ${reason}`, EXIT.notAllowed);
  }
  if (status === 429 || status >= 500) {
    return new ClientError(`${server} cannot answer at present: ${reason}`, EXIT.failed);
  }
  return new ClientError(`${server} refused: ${reason}`, EXIT.refused);
}

/** What a problem document (RFC 9457) says, with the reason of each parameter that is wrong. */
async function problemText(response: Response, filter: string | undefined): Promise<string> {
  const text = await response.text();
  if (response.headers.get('content-type')?.startsWith('application/problem+json') !== true) {
    return `${response.status} ${printable(text.slice(0, 200))}`;
  }
  const problem = printable(JSON.parse(text) as ProblemDocument);
  const code = response.status >= 500 && problem.code !== undefined ? ` (${problem.code})` : '';
  const reasons = (problem.errors ?? []).map(({ parameter, reason, nearest = [], start, end }) => {
    const meant = nearest.length > 0 ? ` (did you mean ${nearest.join(' or ')}?)` : '';
    const isPlaced = parameter === 'filter' && filter !== undefined && start !== undefined;
    const place = isPlaced ? `\n${marked(filter, start, end ?? start + 1)}` : '';
    return `${parameter}: ${reason}${meant}${place}`;
  });
  return reasons.length > 0 ? reasons.join('; ') : `${problem.detail}${code}`;
}

/** The line of a text that a part of it begins on, and a line that marks the part. */
function marked(text: string, start: number, end: number): string {
  const begin = text.lastIndexOf('\n', start - 1) + 1;
  const [line = ''] = text.slice(begin).split('\n');
  const from = start - begin;
  const width = Math.max(1, Math.min(end - begin, line.length) - from);
  return `  ${line}\n  ${' '.repeat(from)}${'^'.repeat(width)}`;
}

interface ProblemDocument {
  readonly detail: string;
  readonly code?: string;
  readonly errors?: readonly {
    readonly parameter: string;
    readonly reason: string;
    readonly nearest?: readonly string[];
    /** Where in the parameter's text it is. */
    readonly start?: number;
    readonly end?: number;
  }[];
}
