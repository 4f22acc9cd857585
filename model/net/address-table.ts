/**
 * A hash table from addresses (16 bytes) to small consecutive numbers, without an allocation or a string per
 * lookup: whatever is kept per address is then an array indexed by that number. Open addressing with linear
 * probing over 32-bit words; grows by doubling at half full.
 */
export class AddressTable {
  #slots = new Int32Array(1024).fill(-1);
  #words = new Int32Array(512 * 4);
  #size = 0;
  /** The words of the column that was last looked into: most lookups are one column's, row by row. */
  #column: Uint8Array | undefined;
  #columnWords: Int32Array = new Int32Array(0);

  /** How many addresses the table holds; their numbers run from 0 to `size - 1`. */
  get size(): number {
    return this.#size;
  }

  /** The number of the address at `offset` of `bytes`, or -1 if the table does not hold it. */
  find(bytes: Uint8Array, offset: number): number {
    const words = this.#words;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let a: number;
    let b: number;
    let c: number;
    let d: number;
    if ((offset & 3) === 0 && this.#isColumn(bytes)) {
      const column = this.#columnWords;
      const word = offset >> 2;
      a = column[word] ?? 0;
      b = column[word + 1] ?? 0;
      c = column[word + 2] ?? 0;
      d = column[word + 3] ?? 0;
    } else {
      a = wordAt(bytes, offset);
      b = wordAt(bytes, offset + 4);
      c = wordAt(bytes, offset + 8);
      d = wordAt(bytes, offset + 12);
    }
    for (let slot = hash(a, b, c, d) & mask; ; slot = (slot + 1) & mask) {
      const number = slots[slot] ?? -1;
      if (number < 0) return -1;
      const at = number * 4;
      // The last word differs most often between addresses of one network.
      if (words[at + 3] === d && words[at + 2] === c && words[at + 1] === b && words[at] === a) return number;
    }
  }

  /** The number of the address at `offset` of `bytes`, given to it now if it had none. */
  intern(bytes: Uint8Array, offset: number): number {
    const known = this.find(bytes, offset);
    if (known >= 0) return known;
    const number = this.#size++;
    if (number * 4 >= this.#words.length) this.#words = grown(this.#words);
    for (let word = 0; word < 4; word++) this.#words[number * 4 + word] = wordAt(bytes, offset + word * 4);
    if (this.#size * 2 > this.#slots.length) this.#rehash(this.#slots.length * 2);
    else this.#place(number);
    return number;
  }

  /** Drops all addresses but those with the numbers in `kept`, whose places there become their numbers. */
  keep(kept: Uint32Array): void {
    let slots = 1024;
    while (kept.length * 2 > slots) slots *= 2;
    const words = new Int32Array(slots * 2);
    for (const [number, former] of kept.entries()) {
      words.set(this.#words.subarray(former * 4, former * 4 + 4), number * 4);
    }
    this.#words = words;
    this.#size = kept.length;
    this.#rehash(slots);
  }

  /** Whether the bytes can be read as whole words of {@link #columnWords}, which they then are. */
  #isColumn(bytes: Uint8Array): boolean {
    if (bytes === this.#column) return true;
    if (bytes.length < SMALLEST_COLUMN || (bytes.byteOffset & 3) !== 0 || !LITTLE_ENDIAN) return false;
    this.#column = bytes;
    this.#columnWords = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
    return true;
  }

  #rehash(slots: number): void {
    this.#slots = new Int32Array(slots).fill(-1);
    for (let number = 0; number < this.#size; number++) this.#place(number);
  }

  /** Puts an address that no slot holds yet into the first empty one of its own. */
  #place(number: number): void {
    const slots = this.#slots;
    const words = this.#words;
    const mask = slots.length - 1;
    const at = number * 4;
    let slot = hash(words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0, words[at + 3] ?? 0) & mask;
    while ((slots[slot] ?? -1) >= 0) slot = (slot + 1) & mask;
    slots[slot] = number;
  }
}

/** From this size on, in bytes, a view of words is worth making. */
const SMALLEST_COLUMN = 1024;
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Four bytes, the lowest first, as a signed number, which the engine need not widen to a double. */
function wordAt(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset] ?? 0) |
    ((bytes[offset + 1] ?? 0) << 8) |
    ((bytes[offset + 2] ?? 0) << 16) |
    ((bytes[offset + 3] ?? 0) << 24)
  );
}

/** Mixes four words so that neighboring addresses fall into distant slots (multiply-xorshift). */
function hash(a: number, b: number, c: number, d: number): number {
  let mixed =
    Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b ^ (c >>> 3), 0xc2b2ae35) ^ Math.imul(c, 0x27d4eb2f);
  mixed = Math.imul((mixed ^ (mixed >>> 15)) + d, 0x2c1b3c6d);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0x297a2d39);
  return mixed ^ (mixed >>> 16);
}

function grown(words: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(words.length * 2);
  larger.set(words);
  return larger;
}
