/** A frame's payload does not hold what its type says; the message tells what is wrong with it. */
export class MalformedPayloadError extends Error {
  override readonly name = 'MalformedPayloadError';
}
