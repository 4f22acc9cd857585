import { readFileSync } from 'node:fs';
import path from 'node:path';
import { batchOfManyKinds, contentOf, start } from '../builders/wire-message.js';
import { decodeBatch } from '@sonde/model/batch/wire/decode';
import { encodeBatch } from '@sonde/model/batch/wire/encode';
import { MAX_BATCH_ROWS } from '@sonde/model/batch/wire/format';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';

/** The message as protobufjs reads it from the published description. */
const FlowBatchMessage = protobuf
  .loadSync(path.resolve(import.meta.dirname, '../../model/batch/wire/flow.proto'))
  .lookupType('sonde.flow.FlowBatch');

const batch = batchOfManyKinds();

describe('flow.proto', () => {
  it('describes written messages: protobufjs reads every part', () => {
    const object = FlowBatchMessage.toObject(FlowBatchMessage.decode(encodeBatch(batch)), { longs: Number });
    expect(object).toMatchObject({
      schemaVersion: 1,
      cluster: 'production',
      node: 'node-7',
      sequence: 2 ** 33,
      losses: { packets_map_full: 12, flows_spool_full: 2 ** 34 },
      flows: { rows: 3 },
      dns: { rows: 2 },
    });
    const [time] = columnsNamed(object, 'start_time');
    expect(time).toMatchObject({ base: start, width: 2, numbers: Buffer.of(5, 0, 0, 0, 0x87, 0x13) });
    const [process] = columnsNamed(object, 'src_process');
    expect(process).toMatchObject({ kind: 1, strings: ['java', 'node'], numbers: Buffer.of(0, 1, 0) });
  });

  it('describes accepted messages: a message written by protobufjs is read', () => {
    const object = FlowBatchMessage.decode(encodeBatch(batch));
    const written = FlowBatchMessage.encode(object).finish();
    expect(contentOf(decodeBatch(written))).toEqual(contentOf(batch));
  });
});

describe('messages of other versions', () => {
  it('of version 1 are read, from the bytes recorded at its release', () => {
    const stored = readFileSync(path.join(import.meta.dirname, 'released/version-1.bin'));
    expect(contentOf(decodeBatch(stored))).toMatchObject(contentOf(batch));
  });

  it('may have unknown columns and parts', () => {
    const message = changed((object) => {
      object.flows.columns.push({ name: 'jitter_us', kind: 7, width: 1, numbers: Buffer.of(1, 2, 3) });
    });
    // Field 99, a number.
    const unknownPart = Buffer.concat([message, Buffer.of(0x98, 0x06, 5)]);
    expect(contentOf(decodeBatch(unknownPart))).toEqual(contentOf(batch));
  });

  it('may lack columns, which read as zero or empty', () => {
    const message = changed((object) => {
      object.flows.columns = object.flows.columns.filter(({ name }) => name !== 'bytes_in');
    });
    expect(decodeBatch(message).columns.bytes_in).toEqual(new BigUint64Array(3));
  });

  it.each([
    ['a higher schema version', (object: WireObject) => void (object.schemaVersion = 2)],
    [
      'a value that has no name here',
      ({ flows }: WireObject) =>
        void Object.assign(named(flows, 'connection_state'), { width: 1, numbers: Buffer.of(1, 99, 1) }),
    ],
  ])('are rejected as newer with %s', (_, change) => {
    expect(() => decodeBatch(changed(change))).toThrow(expect.objectContaining({ reason: 'newer' }) as Error);
  });
});

describe('damaged messages', () => {
  it.each<[string, (object: WireObject) => void]>([
    ['no version', (object) => (object.schemaVersion = 0)],
    ['more rows than allowed', ({ flows }) => (flows.rows = MAX_BATCH_ROWS + 1)],
    ['a column too short', ({ flows }) => (flows.rows = 4)],
    ['a column twice', ({ flows }) => flows.columns.push(named(flows, 'start_time'))],
    ['numbers of three bytes', ({ flows }) => (named(flows, 'start_time').width = 3)],
    ['a number too great', ({ flows }) => (named(flows, 'src_port').base = 2 ** 20)],
    ['text for a number', ({ flows }) => (named(flows, 'src_port').kind = 1)],
    ['a string that does not exist', ({ flows }) => (named(flows, 'src_process').strings = ['java'])],
    ['half an address', ({ flows }) => (named(flows, 'src_ip').addresses = Buffer.alloc(40))],
  ])('are rejected as malformed: %s', (_, change) => {
    const error = expect.objectContaining({ reason: 'malformed' }) as Error;
    expect(() => decodeBatch(changed(change))).toThrow(error);
  });
});

interface WireColumn {
  name: string;
  kind?: number;
  base?: number;
  width?: number;
  numbers?: Buffer;
  strings?: string[];
  addresses?: Buffer;
}

interface WireRecords {
  rows: number;
  columns: WireColumn[];
}

interface WireObject {
  schemaVersion: number;
  flows: WireRecords;
}

/** The test's batch as a message with a change, made with protobufjs. */
function changed(change: (object: WireObject) => void): Uint8Array {
  const message = FlowBatchMessage.decode(encodeBatch(batch));
  change(message as unknown as WireObject);
  return FlowBatchMessage.encode(message).finish();
}

function named({ columns }: WireRecords, name: string): WireColumn {
  const column = columns.find((column) => column.name === name);
  if (column === undefined) throw new Error(`there is no column ${name}`);
  return column;
}

function columnsNamed(object: Record<string, unknown>, name: string): WireColumn[] {
  return (object as unknown as WireObject).flows.columns.filter((column) => column.name === name);
}
