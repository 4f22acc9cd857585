import type { DnsRow } from '@sonde/model/dns/records';
import type { FlowRow } from '@sonde/model/flow/rows';

/** The records of each kind that an API serves. */
export interface RowOfKind {
  readonly flows: FlowRow;
  readonly dns: DnsRow;
}

/** Under which name an answer of `GET /api/v1/<kind>` holds its records. */
const MEMBER = { flows: 'flows', dns: 'lookups' } as const satisfies Record<keyof RowOfKind, string>;

/** What records are asked for: times as the API takes them, and a filter. */
export interface RecordsRequest {
  readonly from: string;
  readonly to?: string;
  readonly limit: number;
  readonly order: 'newest' | 'oldest';
  readonly filter: string;
}

/** The API could not be asked, or refused; the message says what to do. */
export class RecordsRequestError extends Error {
  override readonly name = 'RecordsRequestError';
}

/**
 * Asks a query API for records of a kind (`GET /api/v1/flows`, `GET /api/v1/dns`).
 * @throws RecordsRequestError
 */
export async function fetchRecords<Kind extends keyof RowOfKind>(
  server: string,
  kind: Kind,
  request: RecordsRequest,
): Promise<RowOfKind[Kind][]> {
  const { from, to, limit, order, filter } = request;
  const url = new URL(`/api/v1/${kind}`, server);
  const parameters = { filter, from, ...(to === undefined ? {} : { to }), limit: String(limit), order };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  let response: Response;
  try {
    response = await fetch(url);
  } catch (error) {
    const cause =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new RecordsRequestError(`${server} does not answer (${cause}): is \`sonde up\` running there?`);
  }
  if (!response.ok) throw new RecordsRequestError(`${server} refused: ${await problemText(response)}`);
  const answer = (await response.json()) as Record<string, RowOfKind[Kind][]>;
  return answer[MEMBER[kind]] ?? [];
}

/** What a problem document (RFC 9457) says, with the reason of each parameter that is wrong. */
async function problemText(response: Response): Promise<string> {
  const text = await response.text();
  if (response.headers.get('content-type')?.startsWith('application/problem+json') !== true) {
    return `${response.status} ${text.slice(0, 200)}`;
  }
  const problem = JSON.parse(text) as Problem;
  const reasons = (problem.errors ?? []).map(({ parameter, reason, nearest = [] }) => {
    const meant = nearest.length > 0 ? ` (did you mean ${nearest.join(' or ')}?)` : '';
    return `${parameter}: ${reason}${meant}`;
  });
  return reasons.length > 0 ? reasons.join('; ') : problem.detail;
}

/** What the API's problem documents hold. */
interface Problem {
  readonly detail: string;
  readonly errors?: readonly {
    readonly parameter: string;
    readonly reason: string;
    readonly nearest?: readonly string[];
  }[];
}
