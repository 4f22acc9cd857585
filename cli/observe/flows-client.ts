import type { FlowRow } from '@sonde/model/flow/rows';

/** What flows are asked for: times as the API takes them, and values of fields. */
export interface FlowsRequest {
  readonly from: string;
  readonly to?: string;
  readonly limit: number;
  readonly order: 'newest' | 'oldest';
  readonly filters: Readonly<Record<string, string>>;
}

/** The API could not be asked, or refused; the message says what to do. */
export class FlowsRequestError extends Error {
  override readonly name = 'FlowsRequestError';
}

/**
 * Asks a query API for flows (`GET /api/v1/flows`).
 * @throws FlowsRequestError
 */
export async function fetchFlows(server: string, request: FlowsRequest): Promise<FlowRow[]> {
  const { from, to, limit, order, filters } = request;
  const url = new URL('/api/v1/flows', server);
  const parameters = { ...filters, from, ...(to === undefined ? {} : { to }), limit: String(limit), order };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  let response: Response;
  try {
    response = await fetch(url);
  } catch (error) {
    const cause =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new FlowsRequestError(`${server} does not answer (${cause}): is \`sonde up\` running there?`);
  }
  if (!response.ok) throw new FlowsRequestError(`${server} refused: ${await problemText(response)}`);
  return ((await response.json()) as { flows: FlowRow[] }).flows;
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
