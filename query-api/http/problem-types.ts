/** The status and title of a kind of problem. */
export interface ProblemType {
  readonly status: number;
  readonly title: string;
}

/**
 * Every error of the API by its stable code, the one place that maps codes to statuses. docs/errors.md describes each;
 * a test holds that the page and this table agree.
 */
export const problemTypes = {
  SONDE_INVALID_PARAMETER: { status: 400, title: 'Invalid parameter' },
  SONDE_MALFORMED_REQUEST: { status: 400, title: 'Malformed request' },
  SONDE_UNAUTHENTICATED: { status: 401, title: 'Unauthenticated' },
  SONDE_FORBIDDEN: { status: 403, title: 'Forbidden' },
  SONDE_NOT_FOUND: { status: 404, title: 'Not found' },
  SONDE_METHOD_NOT_ALLOWED: { status: 405, title: 'Method not allowed' },
  SONDE_NOT_ACCEPTABLE: { status: 406, title: 'Not acceptable' },
  SONDE_REQUEST_TIMEOUT: { status: 408, title: 'Request timeout' },
  SONDE_BODY_TOO_LARGE: { status: 413, title: 'Body too large' },
  SONDE_URI_TOO_LONG: { status: 414, title: 'URI too long' },
  SONDE_UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'Unsupported media type' },
  SONDE_MISDIRECTED_REQUEST: { status: 421, title: 'Misdirected request' },
  SONDE_QUERY_TOO_LARGE: { status: 422, title: 'Query too large' },
  SONDE_QUERY_OUT_OF_MEMORY: { status: 422, title: 'Query out of memory' },
  SONDE_RATE_LIMITED: { status: 429, title: 'Rate limited' },
  SONDE_HEADERS_TOO_LARGE: { status: 431, title: 'Headers too large' },
  SONDE_INTERNAL: { status: 500, title: 'Internal error' },
  SONDE_STORE_UNAVAILABLE: { status: 503, title: 'Store unavailable' },
  SONDE_STORE_OVERLOADED: { status: 503, title: 'Store overloaded' },
  SONDE_AUTHENTICATION_UNAVAILABLE: { status: 503, title: 'Authentication unavailable' },
  SONDE_QUERY_TIMEOUT: { status: 504, title: 'Query timeout' },
} as const satisfies Readonly<Record<string, ProblemType>>;

export type ProblemCode = keyof typeof problemTypes;

export const problemCodes = Object.keys(problemTypes) as readonly ProblemCode[];

/** The `type` of a problem document (RFC 9457 §3.1.1): a URN, so that it stays the same wherever the docs are. */
export function problemUri(code: ProblemCode): string {
  return `urn:sonde:error:${code}`;
}
