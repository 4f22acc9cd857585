import type { Records } from '../record/columns.js';
import type { FieldOfOrigin } from '../record/field.js';
import { observedFields } from '../flow/observed.js';
import type { RowOf } from '../record/rows.js';
import { type DnsField, dnsFields } from './fields.js';

/** DNS look-ups as a source sees them. */
export type ObservedDns = Records<FieldOfOrigin<DnsField, 'observed'>>;

/** DNS look-ups with every field filled, as the store takes them. */
export type EnrichedDns = Records<DnsField>;

/** A DNS look-up as an object, for the edges. */
export type DnsRow = RowOf<DnsField>;

/** The DNS record's fields that the wire fills. */
export const observedDnsFields = observedFields(dnsFields);
