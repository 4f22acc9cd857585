import { Reader } from 'protobufjs/minimal.js';
import { type ObservedDns, observedDnsFields } from '../../dns/records.js';
import { FLOW_SCHEMA_VERSION, type FlowBatch, type LossCounters } from '../batch.js';
import type { FieldOfOrigin } from '../../record/field.js';
import type { FlowField } from '../../flow/fields.js';
import { observedFlowFields } from '../../flow/observed.js';
import { batchField, bytesTag, columnField, columnKind, recordsField, varintTag } from './format.js';
import { type PackedColumn, PackedRecords } from './packed-records.js';
import { malformed, WireError } from './wire-error.js';

/**
 * The batch that a message of `flow.proto` holds. Columns that this version does not know are ignored, those it
 * misses are zero or empty. It keeps the message's bytes: columns are unpacked when they are asked for. What that
 * allocates is bounded by `MAX_BATCH_ROWS` and the length of the message.
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

/** What a message says besides its records. */
type Head = Pick<FlowBatch, 'schemaVersion' | 'cluster' | 'node' | 'sequence' | 'losses'>;

class DecodedBatch extends PackedRecords<FieldOfOrigin<FlowField, 'observed'>> implements FlowBatch {
  readonly schemaVersion: number;
  readonly cluster: string;
  readonly node: string;
  readonly sequence: number;
  readonly losses: LossCounters;
  declare readonly dns?: ObservedDns;

  constructor(head: Head, { rows, columns }: ReadRecords, dns: ReadRecords) {
    super(observedFlowFields, rows, columns);
    this.schemaVersion = head.schemaVersion;
    this.cluster = head.cluster;
    this.node = head.node;
    this.sequence = head.sequence;
    this.losses = head.losses;
    const lookUps = new PackedRecords(observedDnsFields, dns.rows, dns.columns);
    if (lookUps.rows > 0) this.dns = lookUps;
  }
}

function readBatch(reader: Reader): FlowBatch {
  let schemaVersion = 0;
  let cluster = '';
  let node = '';
  let sequence = 0;
  const losses = new Map<string, number>();
  let flows: ReadRecords | undefined;
  let dns: ReadRecords | undefined;
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
        flows = readRecords(reader);
        break;
      case bytesTag(batchField.dns):
        if (dns) throw malformed('the lookups stand twice');
        dns = readRecords(reader);
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
  const head = { schemaVersion, cluster, node, sequence, losses: Object.fromEntries(losses) };
  return new DecodedBatch(head, flows ?? NO_RECORDS, dns ?? NO_RECORDS);
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

/** Records as they were read, whatever their columns are worth. */
interface ReadRecords {
  readonly rows: number;
  readonly columns: ReadonlyMap<string, PackedColumn>;
}

const NO_RECORDS: ReadRecords = { rows: 0, columns: new Map() };

function readRecords(reader: Reader): ReadRecords {
  let rows = 0;
  const columns = new Map<string, PackedColumn>();
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
  return { rows, columns };
}

function readColumn(reader: Reader): PackedColumn {
  let [name, kind, base, width]: [string, number, number, number] = ['', columnKind.number, 0, 0];
  let numbers: Uint8Array = NOTHING;
  let addresses: Uint8Array = NOTHING;
  const strings: string[] = [];
  for (const end = endOf(reader); reader.pos < end;) {
    const tag = reader.uint32();
    switch (tag) {
      case bytesTag(columnField.name):
        name = reader.string();
        break;
      case varintTag(columnField.kind):
        kind = reader.int32();
        break;
      case varintTag(columnField.base):
        base = readNumber(reader);
        break;
      case varintTag(columnField.width):
        width = reader.uint32();
        break;
      case bytesTag(columnField.numbers):
        numbers = reader.bytes();
        break;
      case bytesTag(columnField.strings):
        strings.push(reader.string());
        break;
      case bytesTag(columnField.addresses):
        addresses = reader.bytes();
        break;
      default:
        reader.skipType(tag & 7);
    }
  }
  return { name, kind, base, width, numbers, strings, addresses };
}

const NOTHING = new Uint8Array(0);

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
