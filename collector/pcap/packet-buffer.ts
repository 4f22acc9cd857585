/** Memory that packets are in; the buffer of a WebAssembly memory is replaced when it grows. */
export interface PacketMemory {
  readonly buffer: ArrayBuffer;
}

/** The bytes of a capture file that have not been read yet, in a fixed part of a memory. */
export class PacketBuffer {
  /** Where the unread bytes begin and end, from the beginning of the buffer. */
  at = 0;
  end = 0;
  /** How many bytes of the file were before the buffer's first. */
  #before = 0;
  /** How many of the bytes to come are skipped. */
  #skipped = 0;
  #bytes: Uint8Array;
  #view: DataView;

  constructor(
    private readonly memory: PacketMemory,
    private readonly offset: number,
    private readonly capacity: number,
  ) {
    this.#bytes = new Uint8Array(memory.buffer, offset, capacity);
    this.#view = new DataView(memory.buffer, offset, capacity);
  }

  /** The buffer's bytes; valid until the memory grows. */
  get view(): DataView {
    if (this.#bytes.length === 0) this.#renew();
    return this.#view;
  }

  get available(): number {
    return this.end - this.at;
  }

  /** Position of the first unread byte in the file. */
  get position(): number {
    return this.#before + this.at;
  }

  /** Whether bytes to come are to be skipped. */
  get isSkipping(): boolean {
    return this.#skipped > 0;
  }

  /** Adds bytes, moving the unread ones to the beginning. They must fit. */
  append(chunk: Uint8Array): void {
    if (this.#bytes.length === 0) this.#renew();
    this.#bytes.copyWithin(0, this.at, this.end);
    this.#before += this.at;
    this.end -= this.at;
    this.at = 0;
    const skipped = Math.min(this.#skipped, chunk.length);
    this.#skipped -= skipped;
    this.#before += skipped;
    this.#bytes.set(chunk.subarray(skipped), this.end);
    this.end += chunk.length - skipped;
  }

  /** Skips bytes, also those to come. */
  skip(count: number): void {
    const present = Math.min(count, this.available);
    this.at += present;
    this.#skipped += count - present;
  }

  /** The unread bytes, up to a number. */
  peek(count: number): Uint8Array {
    if (this.#bytes.length === 0) this.#renew();
    return this.#bytes.subarray(this.at, Math.min(this.at + count, this.end));
  }

  #renew(): void {
    this.#bytes = new Uint8Array(this.memory.buffer, this.offset, this.capacity);
    this.#view = new DataView(this.memory.buffer, this.offset, this.capacity);
  }
}
