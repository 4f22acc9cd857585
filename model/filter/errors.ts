/** A filter that cannot be taken; the message says what and where, for the person who wrote it. */
export class FilterError extends Error {
  override readonly name = 'FilterError';

  constructor(
    reason: string,
    /** Where in the filter's text, in UTF-16 units from 0; `end` is behind the last one. */
    readonly start: number,
    readonly end: number,
    /** Names that the writer may have meant, the likeliest first. */
    readonly nearest: readonly string[] = [],
  ) {
    super(`${reason} (at character ${start + 1})`);
  }
}
