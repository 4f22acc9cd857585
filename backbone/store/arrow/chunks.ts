import { AsyncByteQueue } from 'apache-arrow';

/** Shorter pieces are combined into chunks of up to `COMBINED_BYTES`. */
const SMALL_BYTES = 16_384;
const COMBINED_BYTES = 65_536;

/**
 * Collects the output of Arrow's writer: buffers of columns without a copy, and the many small pieces between them
 * combined, so that writing the chunks to a file or socket takes few calls.
 */
export class ArrowChunks extends AsyncByteQueue {
  readonly #chunks: Uint8Array[] = [];
  #small = new Uint8Array(COMBINED_BYTES);
  #length = 0;

  override write(piece: Uint8Array): void {
    if (piece.length >= SMALL_BYTES) {
      this.#endSmall();
      this.#chunks.push(piece);
      return;
    }
    if (this.#length + piece.length > this.#small.length) {
      this.#endSmall();
      this.#small = new Uint8Array(COMBINED_BYTES);
    }
    this.#small.set(piece, this.#length);
    this.#length += piece.length;
  }

  /** All chunks, in order. */
  take(): readonly Uint8Array[] {
    this.#endSmall();
    return this.#chunks;
  }

  /** Ends the current combined chunk; the rest of its memory serves the next one. */
  #endSmall(): void {
    if (this.#length === 0) return;
    this.#chunks.push(this.#small.subarray(0, this.#length));
    this.#small = this.#small.subarray(this.#length);
    this.#length = 0;
  }
}
