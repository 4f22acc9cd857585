/** The payload of a frame does not match its type. */
export class MalformedPayloadError extends Error {
  override readonly name = 'MalformedPayloadError';
}
