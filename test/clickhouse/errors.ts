/** A ClickHouse error: its code and message. */
export class EndpointError extends Error {
  override readonly name = 'EndpointError';

  constructor(
    readonly code: number,
    reason: string,
    name: string,
  ) {
    super(`Code: ${code}. DB::Exception: ${reason}. (${name}) (version of chDB)`);
  }
}

/** Converts an error of the engine, whose message has the same format, or any other error. */
export function toEndpointError(error: unknown): EndpointError {
  if (error instanceof EndpointError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const [, code, reason, name] =
    /^Code: (\d+)\. DB::Exception: ([\s\S]*?)\.? \(([A-Z_0-9]+)\)\s*$/.exec(message) ?? [];
  if (code === undefined || reason === undefined || name === undefined) {
    return new EndpointError(1002, message, 'UNKNOWN_EXCEPTION');
  }
  return new EndpointError(Number(code), reason, name);
}

/** The HTTP status of a ClickHouse error (src/Server/HTTP/exceptionCodeToHTTPStatus.cpp). */
export function httpStatus(code: number): number {
  if (notFound.has(code)) return 404;
  if (badRequest.has(code)) return 400;
  return 500;
}

/** UNKNOWN_FUNCTION, UNKNOWN_IDENTIFIER, UNKNOWN_TABLE, UNKNOWN_DATABASE, UNKNOWN_SETTING and similar. */
const notFound = new Set([46, 47, 50, 60, 63, 81, 115]);
/** BAD_ARGUMENTS, CANNOT_PARSE_TEXT and similar, TYPE_MISMATCH, SYNTAX_ERROR. */
const badRequest = new Set([6, 26, 27, 36, 38, 41, 43, 53, 62, 72]);
