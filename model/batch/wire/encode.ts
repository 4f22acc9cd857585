import { Writer } from 'protobufjs/minimal.js';
import { observedDnsFields } from '../../dns/records.js';
import type { FlowBatch } from '../batch.js';
import { type ColumnByType, columnOf, type Records, type StringColumn } from '../../record/columns.js';
import type { FieldDeclaration } from '../../record/field.js';
import { observedFlowFields } from '../../flow/observed.js';
import { addressDictionary } from './addresses.js';
import {
  batchField,
  bytesTag,
  columnField,
  columnKind,
  kindOf,
  MAX_BATCH_ROWS,
  recordsField,
  varintTag,
} from './format.js';
import { ColumnMemory } from '../../record/column-memory.js';
import { type NumberColumn, type PackedNumbers, packNumbers } from './numbers.js';

/**
 * A batch as the protobuf message `FlowBatch` of `flow.proto`. Columns that are all zero are omitted,
 * numbers have the smallest possible width, strings and addresses are dictionaries.
 * @throws RangeError if there are more than {@link MAX_BATCH_ROWS} rows of a kind, or an index outside its dictionary.
 */
export function encodeBatch(batch: FlowBatch): Uint8Array {
  memory.reuse();
  const writer = Writer.create();
  writer.uint32(varintTag(batchField.schemaVersion)).uint32(batch.schemaVersion);
  writer.uint32(bytesTag(batchField.cluster)).string(batch.cluster);
  writer.uint32(bytesTag(batchField.node)).string(batch.node);
  writer.uint32(varintTag(batchField.sequence)).uint64(batch.sequence);
  for (const [reason, count] of Object.entries(batch.losses)) {
    // A map is a repeated message of key (1) and value (2): https://protobuf.dev/programming-guides/encoding/#maps
    writer.uint32(bytesTag(batchField.losses)).fork();
    writer.uint32(bytesTag(1)).string(reason).uint32(varintTag(2)).uint64(count).ldelim();
  }
  if (batch.rows > 0) writeRecords(writer, batchField.flows, observedFlowFields, batch);
  if (batch.dns && batch.dns.rows > 0) writeRecords(writer, batchField.dns, observedDnsFields, batch.dns);
  return writer.finish();
}

/** Holds packed columns until they are copied into the message. */
const memory = new ColumnMemory(2 ** 18);

function writeRecords<Field extends FieldDeclaration>(
  writer: Writer,
  field: number,
  fields: readonly Field[],
  records: Records<Field>,
): void {
  if (records.rows > MAX_BATCH_ROWS) {
    throw new RangeError(`${records.rows} rows in a batch; a message holds at most ${MAX_BATCH_ROWS}`);
  }
  writer.uint32(bytesTag(field)).fork();
  writer.uint32(varintTag(recordsField.rows)).uint32(records.rows);
  for (const field of fields) writeColumn(writer, field, columnOf(records.columns, field));
  writer.ldelim();
}

function writeColumn(
  writer: Writer,
  field: FieldDeclaration,
  column: ColumnByType[keyof ColumnByType],
): void {
  const kind = kindOf(field.type);
  if (kind === columnKind.string) writeStrings(writer, field.name, column as StringColumn);
  else if (kind === columnKind.address) writeAddresses(writer, field.name, column as ColumnByType['ip']);
  else writeNumbers(writer, field.name, column as NumberColumn);
}

function writeNumbers(writer: Writer, name: string, column: NumberColumn): void {
  const packed = packNumbers(column, memory);
  if (packed.width === 0 && packed.base === 0) return;
  startColumn(writer, name, columnKind.number, packed).ldelim();
}

function writeStrings(writer: Writer, name: string, column: StringColumn): void {
  const { strings, indexes } = usedStrings(column);
  if (strings.length === 1 && strings[0] === '') return;
  startColumn(writer, name, columnKind.string, packNumbers(indexes, memory));
  for (const string of strings) writer.uint32(bytesTag(columnField.strings)).string(string);
  writer.ldelim();
}

function writeAddresses(writer: Writer, name: string, column: Uint8Array): void {
  const { addresses, indexes } = addressDictionary(column);
  if (addresses.length === 16 && addresses.every((byte) => byte === 0)) return;
  startColumn(writer, name, columnKind.address, packNumbers(indexes, memory));
  writer.uint32(bytesTag(columnField.addresses)).bytes(addresses).ldelim();
}

function startColumn(
  writer: Writer,
  name: string,
  kind: number,
  { base, width, bytes }: PackedNumbers,
): Writer {
  writer.uint32(bytesTag(recordsField.columns)).fork();
  writer.uint32(bytesTag(columnField.name)).string(name);
  if (kind !== 0) writer.uint32(varintTag(columnField.kind)).int32(kind);
  if (base !== 0) writer.uint32(varintTag(columnField.base)).uint64(base);
  if (width !== 0) {
    writer.uint32(varintTag(columnField.width)).uint32(width);
    writer.uint32(bytesTag(columnField.numbers)).bytes(bytes);
  }
  return writer;
}

/** The strings that the rows use: a dictionary may outlive its batch and outgrow it. */
function usedStrings({ indexes, dictionary }: StringColumn): { strings: string[]; indexes: Uint32Array } {
  const strings: string[] = [];
  const positions = new Int32Array(dictionary.length).fill(-1);
  const used = new Uint32Array(indexes.length);
  for (let row = 0; row < indexes.length; row++) {
    const index = indexes[row] ?? 0;
    let position = positions[index];
    if (position === undefined)
      throw new RangeError(`row ${row} has the index ${index}, which is outside its dictionary`);
    if (position < 0) {
      position = strings.push(dictionary[index] ?? '') - 1;
      positions[index] = position;
    }
    used[row] = position;
  }
  return { strings, indexes: used };
}
