import { Buffer } from 'node:buffer';
import { type ColumnByType, columnOf, type Records, type TextColumn } from '@sonde/model/flow/columns';
import type { FieldDeclaration, FieldType } from '@sonde/model/flow/field';
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

/**
 * Records as one Arrow IPC stream (https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format): what
 * ClickHouse reads as `ArrowStream`. Works on whole columns; numbers are written as they lie in memory.
 *
 * Each column gets a `Data` of its own: one that stood in two columns would be written only once, and the
 * stream would be broken.
 * @throws RangeError if a column does not hold `records.rows` rows.
 */
export function encodeRecords(declared: readonly FieldDeclaration[], records: Records): Uint8Array {
  const fields: Field[] = [];
  const children: Data[] = [];
  for (const field of declared) {
    const data = encodeColumn<FieldType>(
      field.name,
      field.type,
      columnOf(records.columns, field),
      records.rows,
    );
    fields.push(new Field(field.name, data.type));
    children.push(data);
  }
  const rows = makeData({ type: new Struct(fields), length: records.rows, nullCount: 0, children });
  const writer = new RecordBatchStreamWriter();
  writer.write(new RecordBatch(new Schema(fields), rows));
  writer.finish();
  return writer.toUint8Array(true);
}

function encodeColumn<Type extends FieldType>(
  name: string,
  type: Type,
  column: ColumnByType[Type],
  rows: number,
): Data {
  const data = encoders[type](column);
  if (data.length !== rows) {
    throw new RangeError(`column ${name} holds ${data.length} rows, the batch says ${rows}`);
  }
  return data;
}

const encoders: { readonly [Type in FieldType]: (column: ColumnByType[Type]) => Data } = {
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
  text: encodeText,
};

function encodeBytes(column: Uint8Array): Data {
  return makeData({ type: new Uint8(), length: column.length, nullCount: 0, data: column });
}

/**
 * ClickHouse refuses a dictionary that holds a text twice; and a dictionary may outlive a batch and outgrow it. So
 * a column is written with a dictionary of its own: each text that its rows use, once.
 */
function encodeText({ indexes, dictionary }: TextColumn): Data {
  const texts = new Map<string, number>();
  const positions = new Int32Array(dictionary.length).fill(-1);
  const data = new Uint32Array(indexes.length);
  for (let row = 0; row < indexes.length; row++) {
    const index = indexes[row] ?? 0;
    let position = positions[index];
    if (position === undefined) throw new RangeError(`row ${row} points past its dictionary, at ${index}`);
    if (position < 0) {
      // UTF-8 has no lone surrogates: two texts that differ only in them would be written as one.
      const text = (dictionary[index] ?? '').replace(/\p{Surrogate}/gu, '\ufffd');
      position = texts.get(text) ?? texts.size;
      texts.set(text, position);
      positions[index] = position;
    }
    data[row] = position;
  }
  return makeData({
    type: new Dictionary(new Utf8(), new Uint32()),
    length: data.length,
    nullCount: 0,
    data,
    dictionary: encodeStrings([...texts.keys()]),
  });
}

function encodeStrings(strings: readonly string[]): Vector<Utf8> {
  const data = Buffer.allocUnsafe(strings.reduce((length, text) => length + Buffer.byteLength(text), 0));
  const valueOffsets = new Int32Array(strings.length + 1);
  let end = 0;
  strings.forEach((text, i) => {
    end += data.write(text, end);
    valueOffsets[i + 1] = end;
  });
  return new Vector([
    makeData({ type: new Utf8(), length: strings.length, nullCount: 0, valueOffsets, data }),
  ]);
}
