import type { Records } from '../record/columns.js';
import type { FieldOfOrigin } from '../record/field.js';
import { observedFields } from '../flow/observed.js';
import type { RowOf } from '../record/rows.js';
import { type DnsField, dnsFields } from './fields.js';

/** DNS lookups as a collector reports them. */
export type ObservedDns = Records<FieldOfOrigin<DnsField, 'observed'>>;

/** DNS lookups with every field filled, as the store receives them. */
export type EnrichedDns = Records<DnsField>;

/** A DNS lookup as an object. */
export type DnsRow = RowOf<DnsField>;

/** The DNS record's fields that the collector fills. */
export const observedDnsFields = observedFields(dnsFields);
