/**
 * Splits the byte stream of a probe into frames (bpf-probe/PROTOCOL.md, "Frame"). Damaged parts are counted and skipped;
 * no input makes the reader fail.
 */
export const PROTOCOL_VERSION = 1;
export const FRAME_HEADER_BYTES = 16;
export const MAX_PAYLOAD_BYTES = 16 * 1024 * 1024;

/** The first bytes of every frame. */
const MAGIC = Buffer.from('SOND');

export interface Frame {
  readonly type: number;
  readonly payload: Buffer;
}

/** Faults of a stream, as cumulative counts. */
export interface FrameFaults {
  /** Bytes skipped to find the next frame. */
  bytesSkipped: number;
  /** Frames whose length is over the limit. */
  oversized: number;
  /** Frames of another protocol version. */
  wrongVersion: number;
  /** Frames cut off by the end of the stream. */
  truncated: number;
  /** Frames missing, by the gaps in sequence numbers. */
  missing: number;
}

export class FrameReader {
  readonly faults: FrameFaults = { bytesSkipped: 0, oversized: 0, wrongVersion: 0, truncated: 0, missing: 0 };
  /** Received bytes of an incomplete frame. Concatenated only when needed: a frame may arrive in many chunks. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** Length of that frame in bytes; 0 until its header is complete. */
  #frameBytes = 0;
  #nextSequence: number | undefined;

  /** Adds the next bytes of the stream and returns the frames that they complete. */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    this.#rest.push(chunk);
    this.#restBytes += chunk.length;
    if (this.#restBytes < this.#frameBytes) return frames;
    let bytes = this.#rest.length === 1 ? chunk : Buffer.concat(this.#rest, this.#restBytes);
    for (;;) {
      this.#frameBytes = 0;
      bytes = this.#skipToMagic(bytes);
      if (bytes.length < FRAME_HEADER_BYTES) break;
      const length = bytes.readUInt32LE(8);
      if (length > MAX_PAYLOAD_BYTES) {
        this.faults.oversized += 1;
        // The length is invalid, so the end of the frame is unknown: search from behind the magic.
        bytes = this.#skip(bytes, MAGIC.length);
        continue;
      }
      this.#frameBytes = FRAME_HEADER_BYTES + length;
      if (bytes.length < this.#frameBytes) break;
      const frame = this.#read(bytes, length);
      if (frame) frames.push(frame);
      bytes = bytes.subarray(this.#frameBytes);
    }
    this.#keep(bytes);
    return frames;
  }

  /** Ends the stream: an incomplete frame counts as truncated. */
  end(): void {
    if (this.#restBytes > 0) this.faults.truncated += 1;
    this.#keep(Buffer.alloc(0));
  }

  #keep(bytes: Buffer): void {
    this.#rest = bytes.length > 0 ? [bytes] : [];
    this.#restBytes = bytes.length;
  }

  #read(bytes: Buffer, length: number): Frame | undefined {
    const sequence = bytes.readUInt32LE(12);
    // A sequence number that goes back means a damaged header or a new stream, not lost frames.
    if (this.#nextSequence !== undefined && sequence > this.#nextSequence) {
      this.faults.missing += sequence - this.#nextSequence;
    }
    this.#nextSequence = (sequence + 1) >>> 0;
    if (bytes.readUInt16LE(4) !== PROTOCOL_VERSION) {
      this.faults.wrongVersion += 1;
      return undefined;
    }
    return {
      type: bytes.readUInt16LE(6),
      payload: bytes.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + length),
    };
  }

  /** The bytes from the next magic on; without one, the bytes at the end that may be the beginning of it. */
  #skipToMagic(bytes: Buffer): Buffer {
    const at = bytes.indexOf(MAGIC);
    if (at >= 0) return this.#skip(bytes, at);
    let kept = Math.min(MAGIC.length - 1, bytes.length);
    while (kept > 0 && !bytes.subarray(bytes.length - kept).equals(MAGIC.subarray(0, kept))) kept -= 1;
    return this.#skip(bytes, bytes.length - kept);
  }

  #skip(bytes: Buffer, count: number): Buffer {
    this.faults.bytesSkipped += count;
    return bytes.subarray(count);
  }
}
