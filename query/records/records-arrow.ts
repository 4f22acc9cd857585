import type { FieldDeclaration } from '@sonde/model/record/field';
import {
  Bool,
  type DataType,
  Field,
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
  vectorFromArray,
} from 'apache-arrow';
import { type RecordJson, recordJson } from './record-json.js';

/** Length of the end-of-stream marker (https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format). */
const END_BYTES = 8;

/** Writes pages of records as the parts of one Arrow IPC stream: the start, a record batch per page, and the end. */
export class RecordsArrow {
  readonly #schema: Schema;
  /** The stream without record batches. */
  readonly #empty: Uint8Array;

  constructor(private readonly fields: readonly FieldDeclaration[]) {
    this.#schema = new Schema(fields.map((field) => new Field(field.name, arrowType(field), false)));
    this.#empty = this.#stream([]);
  }

  get start(): Uint8Array {
    return this.#empty.subarray(0, -END_BYTES);
  }

  get end(): Uint8Array {
    return this.#empty.subarray(-END_BYTES);
  }

  /** A task that writes rows of the store as a record batch; empty without rows. */
  *batchTask(rows: readonly RecordJson[]): Generator<undefined, Uint8Array> {
    if (rows.length === 0) return new Uint8Array();
    const children = [];
    for (const field of this.fields) {
      const vector = vectorFromArray(valuesOf(field, rows), arrowType(field));
      const [data] = vector.data;
      if (!data) throw new RangeError(`${field.name} has no data`);
      children.push(data);
      yield;
    }
    const data = makeData({
      type: new Struct(this.#schema.fields),
      length: rows.length,
      nullCount: 0,
      children,
    });
    return this.#stream([new RecordBatch(this.#schema, data)]).subarray(this.start.length, -END_BYTES);
  }

  #stream(batches: readonly RecordBatch[]): Uint8Array {
    const writer = new RecordBatchStreamWriter();
    writer.reset(undefined, this.#schema);
    for (const batch of batches) writer.write(batch);
    writer.finish();
    return writer.toUint8Array(true);
  }
}

function valuesOf(field: FieldDeclaration, rows: readonly RecordJson[]): unknown[] {
  const convert = recordJson([field]);
  return rows.map((row) => {
    const value = convert(row)[field.name] ?? '';
    if (field.type === 'time') return Date.parse(String(value));
    return field.type === 'uint64' ? BigInt(value) : value;
  });
}

/** The Arrow type of a field; addresses and enumerations are strings, as in JSON. */
function arrowType({ type }: FieldDeclaration): DataType {
  switch (type) {
    case 'time':
      return new TimestampMillisecond('UTC');
    case 'boolean':
      return new Bool();
    case 'uint8':
      return new Uint8();
    case 'uint16':
      return new Uint16();
    case 'uint32':
      return new Uint32();
    case 'uint64':
      return new Uint64();
    case 'ip':
    case 'string':
    case 'enumeration':
      return new Utf8();
  }
}
