import { buildRecords, type WrittenRow } from './records.js';
import type { FieldOfOrigin } from '@sonde/model/record/field';
import { type DnsField, dnsFields } from '@sonde/model/dns/fields';
import { type EnrichedDns, type ObservedDns, observedDnsFields } from '@sonde/model/dns/records';

/** A look-up written by hand, for tests: any observed field. */
export type ObservedDnsRow = WrittenRow<FieldOfOrigin<DnsField, 'observed'>>;

/** The columns of look-ups written by hand. What a row leaves out is zero or empty. */
export function observedDns(rows: readonly ObservedDnsRow[]): ObservedDns {
  return buildRecords(observedDnsFields, rows);
}

/** A stored look-up written by hand, for tests: any field. */
export type WrittenDnsRow = WrittenRow<DnsField>;

/** The columns of stored look-ups written by hand. What a row leaves out is zero or empty. */
export function enrichedDns(rows: readonly WrittenDnsRow[]): EnrichedDns {
  return buildRecords(dnsFields, rows);
}
