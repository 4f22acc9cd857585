import { Reader } from 'protobufjs/minimal.js';
import { type ObservedDns, observedDnsFields } from '../../dns/records.js';
import { FLOW_SCHEMA_VERSION, type FlowBatch } from '../batch.js';
import { bytesPerRow, type ColumnsOf, type FlowColumn, type Records } from '../columns.js';
import type { FieldDeclaration, FieldType } from '../field.js';
import { allocateObservedColumns, type ObservedFlows, observedFlowFields } from '../observed.js';
import { zeroColumn } from '../zero-columns.js';
import { addressColumn } from './addresses.js';
import {
  ADDRESS_BYTES,
  batchField,
  bytesTag,
  columnField,
  columnKind,
  kindOf,
  MOST_BATCH_ROWS,
  recordsField,
  varintTag,
  type Width,
} from './format.js';
import { ColumnMemory } from './memory.js';
import { type PackedNumbers, unpackNumbers } from './numbers.js';

/**
 * Why a message cannot be read: it is damaged (`malformed`), or written by a Sonde that is newer than this one in a way
 * that this one would misread (`newer`).
 */
export class WireError extends Error {
  override readonly name = 'WireError';
  constructor(
    readonly reason: 'malformed' | 'newer',
    message: string,
  ) {
    super(message);
  }
}

/**
 * The batch that a message of `flow.proto` holds. Columns that this version does not know are passed over, those it
 * misses are zero or empty. Columns are copies: the message's bytes may be reused. What is allocated is bounded by
 * {@link MOST_BATCH_ROWS} and the length of the message.
 * @throws WireError if the message cannot be read.
 */
export function decodeBatch(message: Uint8Array): FlowBatch {
  try {
    return readBatch(Reader.create(message));
  } catch (error) {
    if (error instanceof WireError) throw error;
    // What the reader says of bytes that are no protobuf: past the end, a wire type that there is not, ...
    throw malformed(error instanceof Error ? error.message : String(error));
  }
}

function readBatch(reader: Reader): FlowBatch {
  let schemaVersion = 0;
  let cluster = '';
  let node = '';
  let sequence = 0;
  const losses = new Map<string, number>();
  let flows: ObservedFlows | undefined;
  let dns: ObservedDns | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    switch (tag) {
      case varintTag(batchField.schemaVersion):
        schemaVersion = reader.uint32();
        break;
      case bytesTag(batchField.cluster):
        cluster = reader.string();
        break;
      case bytesTag(batchField.node):
        node = reader.string();
        break;
      case varintTag(batchField.sequence):
        sequence = readNumber(reader);
        break;
      case bytesTag(batchField.losses):
        readLoss(reader, losses);
        break;
      case bytesTag(batchField.flows):
        if (flows) throw malformed('the flows stand twice');
        flows = readRecords(reader, observedFlowFields);
        break;
      case bytesTag(batchField.dns):
        if (dns) throw malformed('the look-ups stand twice');
        dns = readRecords(reader, observedDnsFields);
        break;
      default:
        reader.skipType(tag & 7);
    }
  }
  if (schemaVersion === 0) throw malformed('the message names no schema version');
  if (schemaVersion > FLOW_SCHEMA_VERSION) {
    throw new WireError(
      'newer',
      `the message has schema version ${schemaVersion}, this Sonde reads up to ${FLOW_SCHEMA_VERSION}; upgrade the enrichers before the collectors`,
    );
  }
  return {
    ...{ schemaVersion, cluster, node, sequence, losses: Object.fromEntries(losses) },
    ...(flows ?? { rows: 0, columns: allocateObservedColumns(0) }),
    ...(dns && dns.rows > 0 && { dns }),
  };
}

function readLoss(reader: Reader, losses: Map<string, number>): void {
  let reason = '';
  let count = 0;
  for (const end = endOf(reader); reader.pos < end;) {
    const tag = reader.uint32();
    if (tag === bytesTag(1)) reason = reader.string();
    else if (tag === varintTag(2)) count = readNumber(reader);
    else reader.skipType(tag & 7);
  }
  losses.set(reason, count);
}

function readRecords<Field extends FieldDeclaration>(
  reader: Reader,
  fields: readonly Field[],
): Records<Field> {
  let rows = 0;
  const columns = new Map<string, WireColumn>();
  for (const end = endOf(reader); reader.pos < end;) {
    const tag = reader.uint32();
    if (tag === varintTag(recordsField.rows)) {
      rows = reader.uint32();
    } else if (tag === bytesTag(recordsField.columns)) {
      const column = readColumn(reader);
      if (columns.has(column.name)) throw malformed(`column ${column.name} stands twice`);
      columns.set(column.name, column);
    } else {
      reader.skipType(tag & 7);
    }
  }
  if (rows > MOST_BATCH_ROWS) throw malformed(`${rows} rows; a message holds at most ${MOST_BATCH_ROWS}`);
  const memory = new ColumnMemory(memoryFor(fields, columns, rows));
  const entries = fields.map((field) => [
    field.name,
    columnFrom(columns.get(field.name), field, rows, memory),
  ]);
  // The declarations that the entries come from are those that the type comes from.
  return { rows, columns: Object.fromEntries(entries) as ColumnsOf<Field> };
}

/** How much the columns of the message take, as this version holds them; indexes of addresses included. */
function memoryFor(
  fields: readonly FieldDeclaration[],
  columns: ReadonlyMap<string, WireColumn>,
  rows: number,
): number {
  let bytes = 0;
  for (const { name, type } of fields) {
    if (!columns.has(name)) continue;
    bytes += rows * bytesPerRow[type] + 8;
    if (type === 'ip') bytes += rows * bytesPerRow.uint32 + 8;
  }
  return bytes;
}

interface WireColumn {
  name: string;
  kind: number;
  base: number;
  width: number;
  numbers: Uint8Array;
  texts: string[];
  addresses: Uint8Array;
}

function readColumn(reader: Reader): WireColumn {
  const nothing = new Uint8Array(0);
  const column: WireColumn = {
    ...{ name: '', kind: columnKind.number, base: 0, width: 0 },
    ...{ numbers: nothing, texts: [], addresses: nothing },
  };
  for (const end = endOf(reader); reader.pos < end;) {
    const tag = reader.uint32();
    switch (tag) {
      case bytesTag(columnField.name):
        column.name = reader.string();
        break;
      case varintTag(columnField.kind):
        column.kind = reader.int32();
        break;
      case varintTag(columnField.base):
        column.base = readNumber(reader);
        break;
      case varintTag(columnField.width):
        column.width = reader.uint32();
        break;
      case bytesTag(columnField.numbers):
        column.numbers = reader.bytes();
        break;
      case bytesTag(columnField.texts):
        column.texts.push(reader.string());
        break;
      case bytesTag(columnField.addresses):
        column.addresses = reader.bytes();
        break;
      default:
        reader.skipType(tag & 7);
    }
  }
  return column;
}

function columnFrom(
  column: WireColumn | undefined,
  field: FieldDeclaration,
  rows: number,
  memory: ColumnMemory,
): FlowColumn {
  const { type } = field;
  if (column === undefined) return zeroColumn(type, rows);
  if (column.kind !== kindOf(type)) throw malformed(`column ${column.name} is of kind ${column.kind}`);
  if (type === 'text') {
    return { indexes: indexesOf(column, rows, column.texts.length, memory), dictionary: column.texts };
  }
  if (type === 'ip') {
    const { addresses } = column;
    if (addresses.length % ADDRESS_BYTES !== 0) throw malformed(`column ${column.name} has half an address`);
    const indexes = indexesOf(column, rows, addresses.length / ADDRESS_BYTES, memory);
    return addressColumn({ addresses, indexes }, memory.column('ip', rows));
  }
  const numbers = memory.column(type, rows);
  const most = unpackNumbers(packedOf(column, rows), numbers);
  if (field.values && most >= field.values.length) {
    throw new WireError('newer', `column ${column.name} holds a value that this Sonde has no name for`);
  }
  if (most > greatest[type]) throw malformed(`column ${column.name} holds ${most}, more than it may`);
  return numbers;
}

/** The greatest number of each type; 64-bit ones count exactly up to 2^53 - 1. */
const greatest: Readonly<Record<Exclude<FieldType, 'text' | 'ip'>, number>> = {
  time: Number.MAX_SAFE_INTEGER,
  uint64: Number.MAX_SAFE_INTEGER,
  uint32: 2 ** 32 - 1,
  uint16: 2 ** 16 - 1,
  uint8: 2 ** 8 - 1,
  enumeration: 2 ** 8 - 1,
  boolean: 1,
};

/** The places in a dictionary of `count` values that a column's rows point at. */
function indexesOf(column: WireColumn, rows: number, count: number, memory: ColumnMemory): Uint32Array {
  const indexes = memory.column('uint32', rows);
  const most = unpackNumbers(packedOf(column, rows), indexes);
  if (rows > 0 && most >= count) {
    throw malformed(`column ${column.name} points at value ${most} of ${count}`);
  }
  return indexes;
}

function packedOf({ name, base, width, numbers }: WireColumn, rows: number): PackedNumbers {
  if (!isWidth(width)) throw malformed(`column ${name} has numbers of ${width} bytes`);
  if (numbers.length !== rows * width) {
    throw malformed(`column ${name} has ${numbers.length} bytes for ${rows} rows of ${width}`);
  }
  return { base, width, bytes: numbers };
}

function isWidth(width: number): width is Width {
  return width === 0 || width === 1 || width === 2 || width === 4 || width === 8;
}

/** Where a message within the message ends. */
function endOf(reader: Reader): number {
  const length = reader.uint32();
  const end = reader.pos + length;
  if (end > reader.len) throw malformed('a part ends after the message');
  return end;
}

/** A number of 64 bits; those beyond 2^53 - 1, which no counter reaches, are damage. */
function readNumber(reader: Reader): number {
  const number = Number(reader.uint64());
  if (number > Number.MAX_SAFE_INTEGER) throw malformed(`${number} is too great a number`);
  return number;
}

function malformed(message: string): WireError {
  return new WireError('malformed', message);
}
