import type { FieldDeclaration } from '@sonde/model/record/field';
import {
  Bool,
  type Data,
  type DataType,
  Field,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimestampMillisecond,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
  makeBuilder,
  makeData,
  RecordBatch,
} from 'apache-arrow';
import type { StoredRecord } from '../client/records.js';

/** Bytes of the end-of-stream marker (https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format). */
const END_BYTES = 8;

/** Records as an Arrow IPC stream, one record batch per page. Addresses and enumerations are strings, times are in ms, UTC. */
export async function* arrowPages(
  fields: readonly FieldDeclaration[],
  pages: AsyncIterable<readonly StoredRecord[]>,
): AsyncGenerator<Uint8Array> {
  const schema = new Schema(fields.map(({ name, type }) => new Field(name, arrowType(type), false)));
  // Each page is encoded as a stream of its own, of which only the batch is used: the encoder does not wait for readers.
  const empty = streamOf(schema, []);
  const begin = empty.length - END_BYTES;
  yield empty.subarray(0, begin);
  for await (const page of pages) {
    yield streamOf(schema, [batchOf(fields, schema, page)]).subarray(begin, -END_BYTES);
  }
  yield empty.subarray(begin);
}

function streamOf(schema: Schema, batches: readonly RecordBatch[]): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  for (const batch of batches) writer.write(batch);
  writer.finish();
  return writer.toUint8Array(true);
}

function batchOf(
  fields: readonly FieldDeclaration[],
  schema: Schema,
  records: readonly StoredRecord[],
): RecordBatch {
  const children = fields.map(({ name, type }): Data => {
    const builder = makeBuilder({ type: arrowType(type) });
    for (const record of records) builder.append(arrowValue(type, record[name]));
    return builder.finish().flush() as Data;
  });
  const data = makeData({ type: new Struct(schema.fields), length: records.length, nullCount: 0, children });
  return new RecordBatch(schema, data);
}

function arrowType(type: FieldDeclaration['type']): DataType {
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

function arrowValue(type: FieldDeclaration['type'], value: unknown): unknown {
  if (type === 'time') return Date.parse(String(value));
  return type === 'uint64' ? BigInt(String(value)) : value;
}
