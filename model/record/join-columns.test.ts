import { expect, it } from 'vitest';
import { batchOf } from '@sonde/test/builders/batch';
import { observedFlows } from '@sonde/test/builders/observed-flows';
import { ColumnMemory } from './column-memory.js';
import { joinColumns } from './join-columns.js';
import { observedFlowFields } from '../flow/observed.js';
import { recordRow } from './rows.js';
import { batchOfManyKinds } from '@sonde/test/builders/wire-message';
import { decodeBatch } from '../batch/wire/decode.js';
import { encodeBatch } from '../batch/wire/encode.js';

const many = batchOfManyKinds();
const plain = batchOf(
  observedFlows([
    { src_ip: '192.0.2.1', bytes_out: 7, dst_port: 53, tls_server_name: 'a.example', src_process: 'node' },
    { src_process: 'python3', dropped_bytes: 2 ** 33 },
  ]),
);
const rowsOf = ({ rows, columns }: Pick<typeof many, 'rows' | 'columns'>) =>
  Array.from({ length: rows }, (_, row) => recordRow(observedFlowFields, columns, row));

it('joins packed parts and others to what they are by themselves, in memory that held something else', () => {
  const packed = [many, plain].map((batch) => decodeBatch(encodeBatch(batch)));
  const parts = [packed[1] ?? plain, many, packed[0] ?? many, plain, packed[1] ?? plain];
  const memory = new ColumnMemory(256);
  for (const type of ['uint64', 'ip', 'uint32'] as const) {
    const column = memory.column(type, 100);
    new Uint8Array(column.buffer).fill(255);
  }
  memory.reuse();
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const columns = joinColumns(observedFlowFields, parts, memory);
  expect(rowsOf({ rows, columns })).toEqual([plain, many, many, plain, plain].flatMap(rowsOf));
});

it('unpacks a single packed part into the memory', () => {
  const packed = decodeBatch(encodeBatch(many));
  const columns = joinColumns(observedFlowFields, [packed], new ColumnMemory());
  expect(rowsOf({ rows: many.rows, columns })).toEqual(rowsOf(many));
});
