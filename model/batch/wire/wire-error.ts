/**
 * Why a message cannot be read: it is damaged (`malformed`), or written by a Sonde that is newer than this one in a way
 * that this one would misread (`newer`).
 */
export class WireError extends Error {
  override readonly name = 'WireError';
  constructor(
    readonly reason: 'malformed' | 'newer',
    message: string,
  ) {
    super(message);
  }
}

export function malformed(message: string): WireError {
  return new WireError('malformed', message);
}
