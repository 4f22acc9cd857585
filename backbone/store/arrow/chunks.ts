import { AsyncByteQueue } from 'apache-arrow';

/** Pieces that are shorter are put together, up to this many bytes. */
const SMALL = 16_384;
const TOGETHER = 65_536;

/**
 * Takes what Arrow's writer writes: buffers of columns as they are, without a copy, and the many small pieces between
 * them put together, so that whoever writes the chunks to a file or socket needs few calls.
 */
export class ArrowChunks extends AsyncByteQueue {
  readonly #chunks: Uint8Array[] = [];
  #small = new Uint8Array(TOGETHER);
  #length = 0;

  override write(piece: Uint8Array): void {
    if (piece.length >= SMALL) {
      this.#endSmall();
      this.#chunks.push(piece);
      return;
    }
    if (this.#length + piece.length > this.#small.length) {
      this.#endSmall();
      this.#small = new Uint8Array(TOGETHER);
    }
    this.#small.set(piece, this.#length);
    this.#length += piece.length;
  }

  /** All chunks, in order. */
  take(): readonly Uint8Array[] {
    this.#endSmall();
    return this.#chunks;
  }

  /** What is together so far becomes a chunk; the rest of its memory is for the next one. */
  #endSmall(): void {
    if (this.#length === 0) return;
    this.#chunks.push(this.#small.subarray(0, this.#length));
    this.#small = this.#small.subarray(this.#length);
    this.#length = 0;
  }
}
