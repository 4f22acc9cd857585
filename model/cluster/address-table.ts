/**
 * A hash table from addresses (16 bytes) to small consecutive numbers, without an allocation or a string per
 * look-up: whatever is kept per address is then an array indexed by that number. Open addressing with linear
 * probing over 32-bit words; grows by doubling at half full.
 */
export class AddressTable {
  #slots = new Int32Array(1024).fill(-1);
  #words = new Int32Array(512 * 4);
  #size = 0;

  /** How many addresses the table holds; their numbers run from 0 to `size - 1`. */
  get size(): number {
    return this.#size;
  }

  /** The number of the address at `offset` of `bytes`, or -1 if the table does not hold it. */
  find(bytes: Uint8Array, offset: number): number {
    const words = this.#words;
    const slots = this.#slots;
    const a = wordAt(bytes, offset);
    const b = wordAt(bytes, offset + 4);
    const c = wordAt(bytes, offset + 8);
    const d = wordAt(bytes, offset + 12);
    const mask = slots.length - 1;
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

/** Four bytes as a signed number, which the engine need not widen to a double. */
function wordAt(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset] ?? 0) << 24) |
    ((bytes[offset + 1] ?? 0) << 16) |
    ((bytes[offset + 2] ?? 0) << 8) |
    (bytes[offset + 3] ?? 0)
  );
}

/** Mixes four words so that neighbouring addresses fall into distant slots (multiply-xorshift). */
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
