import { Buffer } from 'node:buffer';
import { type ColumnByType, columnOf, type Records, type TextColumn } from '@sonde/model/flow/columns';
import type { FieldDeclaration, FieldType } from '@sonde/model/flow/field';
import { zeroColumn } from '@sonde/model/flow/zero-columns';
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
import { ArrowChunks } from './arrow-chunks.js';

/**
 * Records as one Arrow IPC stream (https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format): what
 * ClickHouse reads as `ArrowStream`. Works on whole columns; numbers are written as they lie in memory, so the chunks
 * of the stream are views of the columns, which must not change while the chunks are in use.
 *
 * Each column gets a `Data` of its own: one that stood in two columns would be written only once, and the
 * stream would be broken.
 * @throws RangeError if a column does not hold `records.rows` rows.
 */
export function encodeRecords(
  declared: readonly FieldDeclaration[],
  records: Records,
): readonly Uint8Array[] {
  const fields: Field[] = [];
  const children: Data[] = [];
  const encoders = columnEncoders();
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
    throw new RangeError(`column ${name} holds ${data.length} rows, the batch says ${rows}`);
  }
  return data;
}

/** The encoders for the columns of one stream. */
function columnEncoders(): ColumnEncoders {
  const usedEntries = new Map<Uint32Array, Uint8Array>();
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
    text: (column) => encodeText(column, usedEntries),
  };
}

function encodeBytes(column: Uint8Array): Data {
  return makeData({ type: new Uint8(), length: column.length, nullCount: 0, data: column });
}

/**
 * ClickHouse refuses a dictionary that holds a text twice; and a dictionary may outlive a batch and outgrow it. So
 * a column is written with a dictionary of its own: each text that its rows use, once. `usedEntries` remembers what
 * the rows of columns that share their indexes use.
 */
function encodeText(column: TextColumn, usedEntries: Map<Uint32Array, Uint8Array>): Data {
  const { indexes, dictionary } = column;
  let used = usedEntries.get(indexes);
  if (used?.length !== dictionary.length) usedEntries.set(indexes, (used = markUsed(column)));
  const { texts, positions } = distinctTexts(column, used);
  return makeData({
    ...narrowIndexes(texts.length, indexes, positions),
    length: indexes.length,
    nullCount: 0,
    dictionary: encodeStrings(texts),
  });
}

/** The texts that are used, each once, and the position of each entry of the dictionary among them. */
function distinctTexts({ dictionary, textNumbers }: TextColumn, used: Uint8Array) {
  const texts: string[] = [];
  const positions = new Uint32Array(dictionary.length);
  const positionOf = textNumbers ? positionsByNumber(textNumbers) : positionsByText();
  for (let entry = 0; entry < dictionary.length; entry++) {
    if (used[entry] !== 1) continue;
    // UTF-8 has no lone surrogates: two texts that differ only in them would be written as one.
    const text = (dictionary[entry] ?? '').toWellFormed();
    const position = positionOf(entry, text, texts.length);
    if (position === texts.length) texts.push(text);
    positions[entry] = position;
  }
  return { texts, positions };
}

/** Tells the position of a text that occurred before; `next` becomes that of one that has not. */
type PositionOf = (entry: number, text: string, next: number) => number;

function positionsByText(): PositionOf {
  const positions = new Map<string, number>();
  return (_, text, next) => {
    const known = positions.get(text);
    if (known === undefined) positions.set(text, next);
    return known ?? next;
  };
}

/** Without a look at the texts. */
function positionsByNumber(textNumbers: readonly number[]): PositionOf {
  let most = 0;
  for (const number of textNumbers) most = Math.max(most, number);
  // One more than the position; 0 for none.
  const positions = new Uint32Array(most + 1);
  return (entry, _, next) => {
    const number = textNumbers[entry] ?? 0;
    const known = positions[number] ?? 0;
    if (known === 0) positions[number] = next + 1;
    return known === 0 ? next : known - 1;
  };
}

/** Marks the entries of the dictionary that rows use with 1. */
function markUsed({ indexes, dictionary }: TextColumn): Uint8Array {
  const used = new Uint8Array(dictionary.length);
  for (let row = 0; row < indexes.length; row++) {
    const index = indexes[row] ?? 0;
    if (index >= used.length) throw new RangeError(`row ${row} points past its dictionary, at ${index}`);
    used[index] = 1;
  }
  return used;
}

/** Each row's position in a dictionary of `texts` texts, in the narrowest column that holds it. */
function narrowIndexes(texts: number, indexes: Uint32Array, positions: Uint32Array) {
  const rows = indexes.length;
  // The one text of a column stands at position 0.
  if (texts <= 1) return { type: dictionaryOf(new Uint8()), data: zeroColumn('uint8', rows) };
  // A loop for each width: one that meets several kinds of arrays takes three times as long.
  if (texts <= 2 ** 8) {
    const data = new Uint8Array(rows);
    for (let row = 0; row < rows; row++) data[row] = positions[indexes[row] ?? 0] ?? 0;
    return { type: dictionaryOf(new Uint8()), data };
  }
  if (texts <= 2 ** 16) {
    const data = new Uint16Array(rows);
    for (let row = 0; row < rows; row++) data[row] = positions[indexes[row] ?? 0] ?? 0;
    return { type: dictionaryOf(new Uint16()), data };
  }
  const data = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) data[row] = positions[indexes[row] ?? 0] ?? 0;
  return { type: dictionaryOf(new Uint32()), data };
}

function dictionaryOf(indexes: Uint8 | Uint16 | Uint32) {
  return new Dictionary(new Utf8(), indexes);
}

function encodeStrings(strings: readonly string[]): Vector<Utf8> {
  const data = new TextEncoder().encode(strings.join(''));
  const valueOffsets = new Int32Array(strings.length + 1);
  let end = 0;
  strings.forEach((text, i) => {
    end += Buffer.byteLength(text);
    valueOffsets[i + 1] = end;
  });
  return new Vector([
    makeData({ type: new Utf8(), length: strings.length, nullCount: 0, valueOffsets, data }),
  ]);
}
