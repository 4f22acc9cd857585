import { Buffer } from 'node:buffer';
import { ColumnMemory } from '@sonde/model/record/column-memory';
import { type ColumnByType, columnOf, type Records, type StringColumn } from '@sonde/model/record/columns';
import type { FieldDeclaration, FieldType } from '@sonde/model/record/field';
import { zeroColumn } from '@sonde/model/record/zero-columns';
import {
  type Data,
  Dictionary,
  Field,
  FixedSizeBinary,
  Int8,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimestampMillisecond,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
  Vector,
} from 'apache-arrow';
import { ArrowChunks } from './chunks.js';

/**
 * Encodes records as one Arrow IPC stream (https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format), which
 * ClickHouse reads as `ArrowStream`. Numbers are written as they are in memory, so the chunks of the stream are views of
 * the columns and of `memory`, which must not change while the chunks are in use.
 *
 * Each column has its own `Data`: Arrow writes a `Data` that two columns share only once, which breaks the stream.
 * @throws RangeError if a column's length is not `records.rows`.
 */
export function encodeRecords(
  declared: readonly FieldDeclaration[],
  records: Records,
  memory = new ColumnMemory(),
): readonly Uint8Array[] {
  const fields: Field[] = [];
  const children: Data[] = [];
  const encoders = columnEncoders(memory);
  for (const field of declared) {
    const data = encodeColumn<FieldType>(encoders, field, columnOf(records.columns, field), records.rows);
    fields.push(new Field(field.name, data.type));
    children.push(data);
  }
  const rows = makeData({ type: new Struct(fields), length: records.rows, nullCount: 0, children });
  const chunks = new ArrowChunks();
  const writer = new RecordBatchStreamWriter().reset(chunks);
  writer.write(new RecordBatch(new Schema(fields), rows));
  writer.finish();
  return chunks.take();
}

type ColumnEncoders = { readonly [Type in FieldType]: (column: ColumnByType[Type]) => Data };

function encodeColumn<Type extends FieldType>(
  encoders: ColumnEncoders,
  { name, type }: FieldDeclaration & { readonly type: Type },
  column: ColumnByType[Type],
  rows: number,
): Data {
  const data = encoders[type](column);
  if (data.length !== rows) {
    throw new RangeError(`column ${name} has ${data.length} rows instead of ${rows}`);
  }
  return data;
}

/** The encoders for the columns of one stream. */
function columnEncoders(memory: ColumnMemory): ColumnEncoders {
  const usedEntries = new Map<Uint32Array, UsedEntries>();
  return {
    time: (column) =>
      makeData({
        type: new TimestampMillisecond('UTC'),
        length: column.length,
        nullCount: 0,
        data: new BigInt64Array(column.buffer, column.byteOffset, column.length),
      }),
    ip: (column) =>
      makeData({ type: new FixedSizeBinary(16), length: column.length / 16, nullCount: 0, data: column }),
    uint8: encodeBytes,
    uint16: (column) => makeData({ type: new Uint16(), length: column.length, nullCount: 0, data: column }),
    uint32: (column) => makeData({ type: new Uint32(), length: column.length, nullCount: 0, data: column }),
    uint64: (column) => makeData({ type: new Uint64(), length: column.length, nullCount: 0, data: column }),
    boolean: encodeBytes,
    // ClickHouse's Enum8 is signed.
    enumeration: (column) =>
      makeData({
        type: new Int8(),
        length: column.length,
        nullCount: 0,
        data: new Int8Array(column.buffer, column.byteOffset, column.length),
      }),
    string: (column) => encodeStringColumn(column, usedEntries, memory),
  };
}

function encodeBytes(column: Uint8Array): Data {
  return makeData({ type: new Uint8(), length: column.length, nullCount: 0, data: column });
}

/** The entries of a dictionary (of the given length) that rows use, in order. */
interface UsedEntries {
  readonly dictionaryLength: number;
  readonly entries: Uint32Array;
}

/**
 * ClickHouse rejects a dictionary that contains a string twice, and a dictionary can outlive a batch and grow beyond it.
 * So a column is written with its own dictionary: each string that its rows use, once. `usedEntries` caches the used
 * entries for columns that share their indexes.
 */
function encodeStringColumn(
  column: StringColumn,
  usedEntries: Map<Uint32Array, UsedEntries>,
  memory: ColumnMemory,
): Data {
  const { indexes, dictionary } = column;
  let used = usedEntries.get(indexes);
  if (used?.dictionaryLength !== dictionary.length)
    usedEntries.set(indexes, (used = findUsed(column, memory)));
  const { strings, positions } = distinctStrings(column, used.entries, memory);
  return makeData({
    ...narrowIndexes(strings.length, indexes, positions, memory),
    length: indexes.length,
    nullCount: 0,
    dictionary: encodeStrings(strings, memory),
  });
}

/** The used strings, each once, and the position of each used dictionary entry among them. */
function distinctStrings({ dictionary, stringIds }: StringColumn, used: Uint32Array, memory: ColumnMemory) {
  const strings: string[] = [];
  const positions = memory.column('uint32', dictionary.length);
  // UTF-8 has no lone surrogates: two strings that differ only in them would be written as one.
  const stringOf = (entry: number) => (dictionary[entry] ?? '').toWellFormed();
  if (stringIds) {
    // Compares ids instead of strings. By id: the string's position plus one, 0 if it has none yet.
    const known = memory.column('uint32', dictionary.length).fill(0);
    for (const entry of used) {
      const number = stringIds[entry] ?? 0;
      if (known[number] === 0) known[number] = strings.push(stringOf(entry));
      positions[entry] = (known[number] ?? 1) - 1;
    }
  } else {
    const known = new Map<string, number>();
    for (const entry of used) {
      const string = stringOf(entry);
      let position = known.get(string);
      if (position === undefined) known.set(string, (position = strings.push(string) - 1));
      positions[entry] = position;
    }
  }
  return { strings, positions };
}

function findUsed({ indexes, dictionary }: StringColumn, memory: ColumnMemory): UsedEntries {
  const isUsed = memory.column('uint8', dictionary.length).fill(0);
  for (let row = 0; row < indexes.length; row++) {
    const index = indexes[row] ?? 0;
    if (index >= isUsed.length)
      throw new RangeError(`row ${row} has index ${index} beyond the end of its dictionary`);
    isUsed[index] = 1;
  }
  const entries = memory.column('uint32', dictionary.length);
  let count = 0;
  for (let entry = 0; entry < isUsed.length; entry++) if (isUsed[entry] === 1) entries[count++] = entry;
  return { dictionaryLength: dictionary.length, entries: entries.subarray(0, count) };
}

/** Each row's position in a dictionary of `count` strings, in the narrowest possible column. */
function narrowIndexes(count: number, indexes: Uint32Array, positions: Uint32Array, memory: ColumnMemory) {
  const rows = indexes.length;
  // The only string of a column is at position 0.
  if (count <= 1) return { type: dictionaryOf(new Uint8()), data: zeroColumn('uint8', rows) };
  // One loop per width: a loop over several array types takes three times as long.
  if (count <= 2 ** 8) {
    const data = memory.column('uint8', rows);
    for (let row = 0; row < rows; row++) data[row] = positions[indexes[row] ?? 0] ?? 0;
    return { type: dictionaryOf(new Uint8()), data };
  }
  if (count <= 2 ** 16) {
    const data = memory.column('uint16', rows);
    for (let row = 0; row < rows; row++) data[row] = positions[indexes[row] ?? 0] ?? 0;
    return { type: dictionaryOf(new Uint16()), data };
  }
  const data = memory.column('uint32', rows);
  for (let row = 0; row < rows; row++) data[row] = positions[indexes[row] ?? 0] ?? 0;
  return { type: dictionaryOf(new Uint32()), data };
}

function dictionaryOf(indexes: Uint8 | Uint16 | Uint32) {
  return new Dictionary(new Utf8(), indexes);
}

/** Maximum number of UTF-8 bytes per UTF-16 code unit. */
const MAX_BYTES_PER_UNIT = 3;

function encodeStrings(strings: readonly string[], memory: ColumnMemory): Vector<Utf8> {
  const joined = strings.join('');
  const space = memory.column('uint8', joined.length * MAX_BYTES_PER_UNIT);
  const length = Buffer.from(space.buffer, space.byteOffset, space.length).write(joined);
  // If every character is one byte, byte lengths equal string lengths.
  const lengthOf =
    length === joined.length
      ? (string: string) => string.length
      : (string: string) => Buffer.byteLength(string);
  const words = memory.column('uint32', strings.length + 1);
  const valueOffsets = new Int32Array(words.buffer, words.byteOffset, words.length);
  let end = 0;
  valueOffsets[0] = 0;
  for (const [index, string] of strings.entries()) {
    end += lengthOf(string);
    valueOffsets[index + 1] = end;
  }
  const data = space.subarray(0, length);
  return new Vector([
    makeData({ type: new Utf8(), length: strings.length, nullCount: 0, valueOffsets, data }),
  ]);
}
