import { ClientError, EXIT } from './errors.js';

/** Parameters of a question; those that are undefined are left out. */
export type Parameters = Readonly<Record<string, string | number | undefined>>;

/** Asks a query API. Every failure is a {@link ClientError} that says what to do. */
export class ApiClient {
  constructor(
    readonly server: string,
    private readonly token?: string,
  ) {}

  /** `GET` of a path below `/api/v1`. @throws ClientError */
  async get<Answer>(path: string, parameters: Parameters = {}): Promise<Answer> {
    const given = Object.entries(parameters).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, String(value)]],
    );
    const query = new URLSearchParams(given).toString();
    const response = await this.request(`${path}${query === '' ? '' : `?${query}`}`, {});
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

  /** Any request to a path below `/api/v1`; gives the answer if it is no error. @throws ClientError */
  async request(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.token !== undefined) headers.set('authorization', `Bearer ${this.token}`);
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
    if (!response.ok) throw await refusal(this.server, response);
    return response;
  }

  #post(path: string, body: object): Promise<Response> {
    return this.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }
}

async function refusal(server: string, response: Response): Promise<ClientError> {
  const { status } = response;
  const reason = await problemText(response);
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
async function problemText(response: Response): Promise<string> {
  const text = await response.text();
  if (response.headers.get('content-type')?.startsWith('application/problem+json') !== true) {
    return `${response.status} ${text.slice(0, 200)}`;
  }
  const problem = JSON.parse(text) as ProblemDocument;
  const reasons = (problem.errors ?? []).map(({ parameter, reason, nearest = [] }) => {
    const meant = nearest.length > 0 ? ` (did you mean ${nearest.join(' or ')}?)` : '';
    return `${parameter}: ${reason}${meant}`;
  });
  return reasons.length > 0 ? reasons.join('; ') : problem.detail;
}

interface ProblemDocument {
  readonly detail: string;
  readonly errors?: readonly {
    readonly parameter: string;
    readonly reason: string;
    readonly nearest?: readonly string[];
  }[];
}
