/**
 * A hash table from addresses (16 bytes) to small consecutive numbers, without an allocation or a string per
 * look-up: whatever is kept per address is then an array indexed by that number. Open addressing with linear
 * probing over 32-bit words; grows by doubling at half full.
 */
export class AddressTable {
  #slots = new Int32Array(1024).fill(-1);
  #words = new Uint32Array(512 * 4);
  #size = 0;

  /** How many addresses the table holds; their numbers run from 0 to `size - 1`. */
  get size(): number {
    return this.#size;
  }

  /** The number of the address at `offset` of `bytes`, or -1 if the table does not hold it. */
  find(bytes: Uint8Array, offset: number): number {
    return this.#slots[this.#slotOf(bytes, offset)] ?? -1;
  }

  /** The number of the address at `offset` of `bytes`, given to it now if it had none. */
  intern(bytes: Uint8Array, offset: number): number {
    const slot = this.#slotOf(bytes, offset);
    const known = this.#slots[slot] ?? -1;
    if (known >= 0) return known;
    const number = this.#size++;
    if (number * 4 >= this.#words.length) this.#words = grown(this.#words);
    for (let word = 0; word < 4; word++) this.#words[number * 4 + word] = wordAt(bytes, offset + word * 4);
    this.#slots[slot] = number;
    if (this.#size * 2 > this.#slots.length) this.#rehash();
    return number;
  }

  /** The slot that holds the address, or the empty one where it would go. */
  #slotOf(bytes: Uint8Array, offset: number): number {
    const a = wordAt(bytes, offset);
    const b = wordAt(bytes, offset + 4);
    const c = wordAt(bytes, offset + 8);
    const d = wordAt(bytes, offset + 12);
    const mask = this.#slots.length - 1;
    const words = this.#words;
    for (let slot = hash(a, b, c, d) & mask; ; slot = (slot + 1) & mask) {
      const number = this.#slots[slot] ?? -1;
      if (number < 0) return slot;
      const at = number * 4;
      // The last word differs most often between addresses of one network.
      if (words[at + 3] === d && words[at + 2] === c && words[at + 1] === b && words[at] === a) return slot;
    }
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1);
    const mask = slots.length - 1;
    const words = this.#words;
    for (let number = 0; number < this.#size; number++) {
      const at = number * 4;
      let slot = hash(words[at] ?? 0, words[at + 1] ?? 0, words[at + 2] ?? 0, words[at + 3] ?? 0) & mask;
      while ((slots[slot] ?? -1) >= 0) slot = (slot + 1) & mask;
      slots[slot] = number;
    }
    this.#slots = slots;
  }
}

function wordAt(bytes: Uint8Array, offset: number): number {
  return (
    (((bytes[offset] ?? 0) << 24) |
      ((bytes[offset + 1] ?? 0) << 16) |
      ((bytes[offset + 2] ?? 0) << 8) |
      (bytes[offset + 3] ?? 0)) >>>
    0
  );
}

/** Mixes four words so that neighbouring addresses fall into distant slots (multiply-xorshift). */
function hash(a: number, b: number, c: number, d: number): number {
  let mixed =
    Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b ^ (c >>> 3), 0xc2b2ae35) ^ Math.imul(c, 0x27d4eb2f);
  mixed = Math.imul((mixed ^ (mixed >>> 15)) + d, 0x2c1b3c6d);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0x297a2d39);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function grown(words: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(words.length * 2);
  larger.set(words);
  return larger;
}
