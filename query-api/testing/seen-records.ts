import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import { openChdbStore } from '@sonde/backbone/store/chdb-store';
import type { FlowStore } from '@sonde/backbone/store/store';
import { enrichedDns, type WrittenDnsRow } from '@sonde/model/dns/build-dns';
import { type DnsField, dnsFields } from '@sonde/model/dns/fields';
import { enrichedFlows, type FlowRow } from '@sonde/model/flow/build-enriched';
import type { Records } from '@sonde/model/record/columns';
import type { FieldDeclaration } from '@sonde/model/record/field';
import { type FlowField, flowFields } from '@sonde/model/flow/fields';
import { recordRow, type RowOf } from '@sonde/model/record/rows';
import { expect } from 'vitest';
import { type Access, accessOf } from '../access/access.js';
import { visibleRecords } from '../access/visible.js';
import { visibleDns, visibleFlows } from '../access/visible-columns.js';
import { type RecordJson, recordJson } from '../records/record-json.js';
import { SqlParameters } from '../sql/parameters.js';

/** The access of somebody who may view these namespaces. */
export function viewer(...namespaces: string[]): Access {
  return accessOf('token:test', [{ rights: ['view'], namespaces }]);
}

/**
 * A store of which tests see what some access lets be seen, by SQL and on columns, which must be the same. Records are
 * told apart by the port of the client, which is their place in the list.
 */
export class SeenRecords {
  #partition = 0;

  private constructor(
    readonly store: FlowStore,
    readonly directory: string,
  ) {}

  static async open(): Promise<SeenRecords> {
    const directory = await mkdtemp(path.join(tmpdir(), 'sonde-visible-'));
    const store = await openChdbStore({ directory, log: createLogger('test', 'silent') });
    await store.migrate();
    return new SeenRecords(store, directory);
  }

  async close(): Promise<void> {
    await this.store.close();
    await rm(this.directory, { recursive: true });
  }

  /** What is seen of flows, once they are stored. */
  async flows(rows: readonly FlowRow[], access: Access): Promise<RowOf<FlowField>[]> {
    const flows = enrichedFlows(rows.map((row, index) => ({ ...row, ...this.#place(index) })));
    await this.store.insert({ flows });
    return this.#bothWays('flows', flowFields, visibleFlows(flows, access), access);
  }

  /** The same of look-ups. */
  async lookups(rows: readonly WrittenDnsRow[], access: Access): Promise<RowOf<DnsField>[]> {
    const dns = enrichedDns(rows.map((row, index) => ({ ...row, ...this.#place(index) })));
    await this.store.insert({ dns });
    return this.#bothWays('dns', dnsFields, visibleDns(dns, access), access);
  }

  #place(index: number) {
    const start_time = Date.parse('2026-03-01T00:00:00Z');
    return { start_time, transport_partition: this.#partition, src_port: index };
  }

  async #bothWays<Field extends FieldDeclaration>(
    table: 'flows' | 'dns',
    fields: readonly Field[],
    onColumns: Records<Field>,
    access: Access,
  ): Promise<RowOf<Field>[]> {
    const parameters = new SqlParameters();
    const names = fields.map((field) => field.name).join(', ');
    const stored = await this.store.query<RecordJson>(
      `SELECT ${names} FROM ${visibleRecords(table, access, parameters)}
       WHERE transport_partition = ${this.#partition} ORDER BY src_port`,
      parameters.values,
    );
    this.#partition++;
    const rows = Array.from({ length: onColumns.rows }, (_, row) =>
      recordRow(fields, onColumns.columns, row),
    );
    expect(stored.map(recordJson(fields))).toEqual(rows);
    return rows;
  }
}
