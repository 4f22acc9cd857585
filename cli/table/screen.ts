import { type Paint, paintFor } from './color.js';

/** Where a command prints to. */
export interface Screen {
  readonly paint: Paint;
  /** Characters of a line of the terminal; undefined for pipes and files, where nothing is cut. */
  readonly width: number | undefined;
}

/** The screen of a stream. */
export function screenOf(stream: { readonly isTTY?: boolean; readonly columns?: number }): Screen {
  return { paint: paintFor(stream), width: stream.isTTY === true ? stream.columns : undefined };
}
