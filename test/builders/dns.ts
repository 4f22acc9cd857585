import { buildRecords, type WrittenRow } from './records.js';
import type { FieldOfOrigin } from '@sonde/model/record/field';
import { type DnsField, dnsFields } from '@sonde/model/dns/fields';
import { type EnrichedDns, type ObservedDns, observedDnsFields } from '@sonde/model/dns/records';

/** An observed DNS lookup; any field can be omitted. */
export type ObservedDnsRow = WrittenRow<FieldOfOrigin<DnsField, 'observed'>>;

/** Builds columns of observed DNS lookups. Omitted fields are zero or empty. */
export function observedDns(rows: readonly ObservedDnsRow[]): ObservedDns {
  return buildRecords(observedDnsFields, rows);
}

/** A stored DNS lookup; any field can be omitted. */
export type WrittenDnsRow = WrittenRow<DnsField>;

/** Builds columns of stored DNS lookups. Omitted fields are zero or empty. */
export function enrichedDns(rows: readonly WrittenDnsRow[]): EnrichedDns {
  return buildRecords(dnsFields, rows);
}
