import type { AddressTable } from '../../net/address-table.js';
import { ColumnMemory } from '../../record/column-memory.js';
import type { ColumnsOf, Column } from '../../record/columns.js';
import type { FieldDeclaration, FieldType } from '../../record/field.js';
import type { PackedColumns } from '../../record/join-columns.js';
import type { StringColumnBuilder } from '../../record/string-column.js';
import { zeroColumn } from '../../record/zero-columns.js';
import { writeAddresses } from './addresses.js';
import { ADDRESS_BYTES, columnKind, kindOf, MAX_BATCH_ROWS, type Width } from './format.js';
import { boundOf, greatestOf, type NumberColumn, type PackedNumbers, unpackNumbers } from './numbers.js';
import { malformed, WireError } from './wire-error.js';

/** A column as its message has it. */
export interface PackedColumn {
  readonly name: string;
  readonly kind: number;
  readonly base: number;
  readonly width: number;
  readonly numbers: Uint8Array;
  readonly strings: readonly string[];
  readonly addresses: Uint8Array;
}

/**
 * The records of one kind in a message, as they traveled: a fifth of what they are as columns. Whoever wants one
 * message's records asks for {@link columns}; who joins those of many has each column written where it belongs.
 *
 * All that could be wrong with a column is found when this is made.
 * @throws WireError if a column of the fields is damaged, or holds what this version has no name for.
 */
export class PackedRecords<
  Field extends FieldDeclaration = FieldDeclaration,
> implements PackedColumns<Field> {
  readonly #fields: readonly Field[];
  /** The columns of the fields, by name; those of zeros are not in the message. */
  readonly #packed = new Map<string, CheckedColumn>();
  #columns: ColumnsOf<Field> | undefined;

  constructor(
    fields: readonly Field[],
    readonly rows: number,
    packed: ReadonlyMap<string, PackedColumn>,
  ) {
    if (rows > MAX_BATCH_ROWS) throw malformed(`${rows} rows; a message holds at most ${MAX_BATCH_ROWS}`);
    this.#fields = fields;
    for (const field of fields) {
      const column = packed.get(field.name);
      if (column) this.#packed.set(field.name, checked(column, field, rows));
    }
  }

  /** The columns, unpacked when they are first asked for; zero or empty where the message has none. */
  get columns(): ColumnsOf<Field> {
    this.#columns ??= this.#unpack();
    return this.#columns;
  }

  /** Whether the message has a column of this name; else it is zero or empty. */
  has(name: string): boolean {
    return this.#packed.has(name);
  }

  /** Writes a field other than a string into the rows from `start` on of a column of its type. */
  write({ name, type }: FieldDeclaration, column: NumberColumn, start: number): void {
    const packed = this.#packed.get(name);
    if (!packed) {
      const each = type === 'ip' ? ADDRESS_BYTES : 1;
      if (column instanceof BigUint64Array) column.fill(0n, start, start + this.rows);
      else column.fill(0, start * each, (start + this.rows) * each);
    } else if (packed.kind === columnKind.address) {
      const indexes = placesFor(this.rows);
      unpackNumbers(packed, this.rows, indexes);
      writeAddresses({ addresses: packed.addresses, indexes }, column as Uint8Array, start);
    } else {
      unpackNumbers(packed, this.rows, column, start);
    }
  }

  /** Writes the numbers that a table gives the addresses of a field into the rows from `start` on. */
  writeAddressIds(name: string, table: AddressTable, numbers: Uint32Array, start: number): void {
    const packed = this.#packed.get(name);
    const end = start + this.rows;
    if (!packed) {
      numbers.fill(table.intern(UNSPECIFIED, 0), start, end);
      return;
    }
    const { addresses } = packed;
    const numberOf = new Uint32Array(addresses.length / ADDRESS_BYTES);
    for (let place = 0; place < numberOf.length; place++) {
      numberOf[place] = table.intern(addresses, place * ADDRESS_BYTES);
    }
    unpackNumbers(packed, this.rows, numbers, start);
    for (let row = start; row < end; row++) numbers[row] = numberOf[numbers[row] ?? 0] ?? 0;
  }

  /** Writes a string field into the rows from `start` on. */
  writeStrings({ name }: FieldDeclaration, column: StringColumnBuilder, start: number): void {
    const packed = this.#packed.get(name);
    const end = start + this.rows;
    if (!packed) {
      column.fill('', start, end);
    } else {
      unpackNumbers(packed, this.rows, column.indexes, start);
      column.translate(packed.strings, start, end);
    }
  }

  #unpack(): ColumnsOf<Field> {
    const memory = new ColumnMemory(1);
    const entries = this.#fields.map((field) => [field.name, this.#unpackColumn(field, memory)]);
    // The declarations that the entries come from are those that the type comes from.
    return Object.fromEntries(entries) as ColumnsOf<Field>;
  }

  #unpackColumn(field: FieldDeclaration, memory: ColumnMemory): Column {
    const { type } = field;
    const packed = this.#packed.get(field.name);
    if (!packed) return zeroColumn(type, this.rows);
    if (type === 'string') {
      const indexes = memory.column('uint32', this.rows);
      unpackNumbers(packed, this.rows, indexes);
      return { indexes, dictionary: packed.strings };
    }
    const column = memory.column(type, this.rows);
    this.write(field, column, 0);
    return column;
  }
}

/** The address `::`. */
const UNSPECIFIED = new Uint8Array(ADDRESS_BYTES);

type CheckedColumn = PackedColumn & PackedNumbers;

/** A column of which everything can be read as it is meant. */
function checked(column: PackedColumn, { type, values }: FieldDeclaration, rows: number): CheckedColumn {
  const { name, kind, width, numbers, strings, addresses } = column;
  if (kind !== kindOf(type)) throw malformed(`column ${name} is of kind ${kind}`);
  if (!isWidth(width)) throw malformed(`column ${name} has numbers of ${width} bytes`);
  if (numbers.length !== rows * width) {
    throw malformed(`column ${name} has ${numbers.length} bytes for ${rows} rows of ${width}`);
  }
  const packed = { ...column, width, bytes: numbers };
  if (type === 'string') {
    checkPlaces(packed, rows, strings.length);
  } else if (type === 'ip') {
    if (addresses.length % ADDRESS_BYTES !== 0) throw malformed(`column ${name} has half an address`);
    checkPlaces(packed, rows, addresses.length / ADDRESS_BYTES);
  } else if (rows > 0) {
    const most = atMost(packed, Math.min((values?.length ?? Infinity) - 1, greatest[type]));
    if (values && most >= values.length) {
      throw new WireError('newer', `column ${name} holds a value that this Sonde has no name for`);
    }
    if (most > greatest[type]) throw malformed(`column ${name} holds ${most}, more than it may`);
  }
  return packed;
}

function checkPlaces(column: CheckedColumn, rows: number, count: number): void {
  const most = rows > 0 ? atMost(column, count - 1) : -1;
  if (most >= count) throw malformed(`column ${column.name} points at value ${most} of ${count}`);
}

/** The greatest number of a column; if its width alone says that `allowed` is not exceeded, a bound of it. */
function atMost(column: CheckedColumn, allowed: number): number {
  const bound = boundOf(column);
  return bound <= allowed ? bound : greatestOf(column);
}

function isWidth(width: number): width is Width {
  return width === 0 || width === 1 || width === 2 || width === 4 || width === 8;
}

/** The greatest number of each type; 64-bit ones count exactly up to 2^53 - 1. */
const greatest: Readonly<Record<Exclude<FieldType, 'string' | 'ip'>, number>> = {
  time: Number.MAX_SAFE_INTEGER,
  uint64: Number.MAX_SAFE_INTEGER,
  uint32: 2 ** 32 - 1,
  uint16: 2 ** 16 - 1,
  uint8: 2 ** 8 - 1,
  enumeration: 2 ** 8 - 1,
  boolean: 1,
};

/** Places of addresses on their way into a column, from one call to the next. */
let places = new Uint32Array(2 ** 12);

function placesFor(rows: number): Uint32Array {
  if (rows > places.length) places = new Uint32Array(2 ** Math.ceil(Math.log2(rows)));
  return places.subarray(0, rows);
}
