import { ClientError, EXIT } from './errors.js';
import { printable } from '../table/printable.js';

/** Parameters of a request; those that are undefined are omitted. */
export type Parameters = Readonly<Record<string, string | number | undefined>>;

/** Returns a valid token for the server; undefined if none is needed. */
export type TokenSource = () => Promise<string | undefined>;

/** A client of the query API. Every failure is a {@link ClientError} that says what to do. */
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
    const response = await this.request(`${path}${query === '' ? '' : `?${query}`}`);
    return (await response.json()) as Answer;
  }

  /** `POST` to a path below `/api/v1`. @throws ClientError */
  async post<Answer>(path: string, body: object): Promise<Answer> {
    const response = await this.#post(path, body);
    return (await response.json()) as Answer;
  }

  /** The same for responses that are not JSON. */
  async postForText(path: string, body: object): Promise<string> {
    return (await this.#post(path, body)).text();
  }

  /**
   * Any request to a path below `/api/v1`; returns the response if it is not an error.
   * @throws ClientError
   */
  async request(path: string, init: RequestInit = {}): Promise<Response> {
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
        `cannot reach ${this.server} (${cause}): start \`sonde up\`, or select a server with --server or --profile`,
        EXIT.unreachable,
      );
    }
    if (!response.ok) throw await errorOf(this.server, response);
    return response;
  }

  #post(path: string, body: object): Promise<Response> {
    const headers = { 'content-type': 'application/json' };
    return this.request(path, { method: 'POST', headers, body: JSON.stringify(body) });
  }
}

async function errorOf(server: string, response: Response): Promise<ClientError> {
  const { status } = response;
  const reason = await problemText(response);
  if (status === 401) {
    return new ClientError(`${server} requires a login (${reason}): run \`sonde login\``, EXIT.notAllowed);
  }
  if (status === 403 || status === 421) {
    return new ClientError(`${server} denies access: ${reason}`, EXIT.notAllowed);
  }
  if (status === 429 || status >= 500) {
    return new ClientError(`${server} failed: ${reason}`, EXIT.failed);
  }
  return new ClientError(`${server} refused: ${reason}`, EXIT.refused);
}

/** The text of a problem document (RFC 9457), with the reason for each invalid parameter. */
async function problemText(response: Response): Promise<string> {
  const text = await response.text();
  if (response.headers.get('content-type')?.startsWith('application/problem+json') !== true) {
    return `${response.status} ${printable(text.slice(0, 200))}`;
  }
  const problem = printable(JSON.parse(text) as ProblemDocument);
  const code = response.status >= 500 && problem.code !== undefined ? ` (${problem.code})` : '';
  const reasons = (problem.errors ?? []).map(({ parameter, reason, nearest = [] }) => {
    const meant = nearest.length > 0 ? ` (did you mean ${nearest.join(' or ')}?)` : '';
    return `${parameter}: ${reason}${meant}`;
  });
  return reasons.length > 0 ? reasons.join('; ') : `${problem.detail}${code}`;
}

interface ProblemDocument {
  readonly detail: string;
  readonly code?: string;
  readonly errors?: readonly {
    readonly parameter: string;
    readonly reason: string;
    readonly nearest?: readonly string[];
  }[];
}
