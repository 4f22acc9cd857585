import {
  type Data,
  Field,
  Float64,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimestampNanosecond,
  Utf8,
} from 'apache-arrow';
import type { Column, Unit, Value } from './column.js';
import type { Table } from './table.js';

/**
 * A task that writes a table as an Arrow IPC stream with a Grafana data frame: `data/arrow.go` of Grafana's SDK keeps a frame's name, refId
 * and meta (JSON) in the metadata of the schema, and a field's name and config (JSON) in that of the field. Strings are
 * plain and times are nanoseconds, because the SDK does not read dictionaries and other time units. The frame type
 * follows the data plane contract (`data/contract_docs`): groups are strings, metrics are numbers.
 */
export function* frameTask(table: Table, refId: string): Generator<undefined, Uint8Array> {
  const { columns, rows } = table;
  const fields: Field[] = [];
  const children: Data[] = [];
  for (const [at, column] of columns.entries()) {
    const data = columnData(column, rows, at);
    fields.push(new Field(column.name, data.type, column.role === 'metric', fieldMetadata(column)));
    children.push(data);
    yield;
  }
  const schema = new Schema(
    fields,
    new Map([
      ['name', ''],
      ['refId', refId],
      ['meta', JSON.stringify(frameMeta(table))],
    ]),
  );
  const data = makeData({ type: new Struct(fields), length: rows.length, nullCount: 0, children });
  const writer = new RecordBatchStreamWriter();
  writer.write(new RecordBatch(schema, data));
  writer.finish();
  return writer.toUint8Array(true);
}

function columnData({ type, role }: Column, rows: Table['rows'], at: number): Data {
  const values = rows.map((row) => row[at] ?? null);
  if (role === 'group') return textData(values);
  return type === 'time' ? timeData(values) : numberData(values);
}

function textData(values: readonly Value[]): Data {
  const bytes = values.map((value) => Buffer.from(String(value ?? '')));
  const valueOffsets = new Int32Array(values.length + 1);
  bytes.forEach((one, row) => (valueOffsets[row + 1] = (valueOffsets[row] ?? 0) + one.length));
  return makeData({
    type: new Utf8(),
    length: values.length,
    nullCount: 0,
    valueOffsets,
    data: Buffer.concat(bytes),
  });
}

function timeData(values: readonly Value[]): Data {
  const data = BigInt64Array.from(
    values,
    (value) => BigInt(value === null ? 0 : Date.parse(String(value))) * 1_000_000n,
  );
  return makeData({ type: new TimestampNanosecond(), length: values.length, ...nulls(values), data });
}

function numberData(values: readonly Value[]): Data {
  const data = Float64Array.from(values, (value) => Number(value ?? 0));
  return makeData({ type: new Float64(), length: values.length, ...nulls(values), data });
}

/** The validity bitmap of the rows (https://arrow.apache.org/docs/format/Columnar.html#validity-bitmaps). */
function nulls(values: readonly Value[]): { nullCount: number; nullBitmap?: Uint8Array } {
  const nullCount = values.filter((value) => value === null).length;
  if (nullCount === 0) return { nullCount };
  const nullBitmap = new Uint8Array(Math.ceil(values.length / 8));
  values.forEach((value, row) => {
    if (value !== null) nullBitmap[row >> 3] = (nullBitmap[row >> 3] ?? 0) | (1 << (row & 7));
  });
  return { nullCount, nullBitmap };
}

function frameMeta({ columns, truncated }: Table): object {
  const isSeries = columns.some(({ role }) => role === 'time');
  const isGrouped = columns.some(({ role }) => role === 'group');
  const form = isGrouped ? 'long' : 'wide';
  return {
    type: `${isSeries ? 'timeseries' : 'numeric'}-${form}`,
    typeVersion: [0, 1],
    ...(truncated && { notices: [{ severity: 'info', text: 'There are more groups than the limit.' }] }),
  };
}

function fieldMetadata({ name, unit }: Column): Map<string, string> {
  const config = unit && UNITS[unit];
  return new Map([
    ['name', name],
    ...(config ? ([['config', JSON.stringify({ unit: config })]] as const) : []),
  ]);
}

/** Unit ids of Grafana (`packages/grafana-data/src/valueFormats/categories.ts`). */
const UNITS: Readonly<Partial<Record<Unit, string>>> = {
  bytes: 'decbytes',
  'bytes/s': 'Bps',
  'packets/s': 'pps',
  microseconds: 'µs',
  seconds: 's',
  '1/s': 'cps',
};
