/** An invalid filter; the message says what is wrong and where. */
export class FilterError extends Error {
  override readonly name = 'FilterError';

  constructor(
    /** The message without the position. */
    readonly reason: string,
    /** Position in the filter, in UTF-16 units from 0; `end` is exclusive. */
    readonly start: number,
    readonly end: number,
    /** Similar names, the most similar first. */
    readonly nearest: readonly string[] = [],
  ) {
    super(`${reason} (at character ${start + 1})`);
  }
}
