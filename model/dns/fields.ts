import type { FieldDeclaration } from '../record/field.js';
import { identityFields } from '../flow/identity-fields.js';

/**
 * The record of a DNS lookup, declared once, as the flow record is in `../flow/fields.ts`. One record is one
 * transaction as one node saw it: a query with its response, a query without one, or a response whose query was not
 * seen.
 */
export const dnsFields = [
  {
    name: 'start_time',
    type: 'time',
    origin: 'observed',
    unit: 'milliseconds since 1970 (UTC)',
    description: 'When the query was seen; if it was not, the response',
  },

  // Where seen
  {
    name: 'cluster',
    type: 'string',
    origin: 'context',
    description: 'The cluster that the reporting node belongs to',
  },
  { name: 'node', type: 'string', origin: 'context', description: 'The node that saw the lookup' },
  {
    name: 'primary',
    type: 'boolean',
    origin: 'context',
    description:
      "True on the one record to count when the client's and the server's node report the same lookup",
  },

  // Who asked whom
  { name: 'src_ip', type: 'ip', origin: 'observed', description: "The client's address" },
  { name: 'src_port', type: 'uint16', origin: 'observed', description: "The client's port" },
  ...identityFields('src', 'client'),
  {
    name: 'dst_ip',
    type: 'ip',
    origin: 'observed',
    description: 'The address that the client queried; if the query was not seen, the one that answered',
  },
  {
    name: 'protocol',
    type: 'uint8',
    origin: 'observed',
    description: 'IP protocol number (IANA): 17 UDP, 6 TCP',
  },

  // What
  {
    name: 'query_name',
    type: 'string',
    origin: 'observed',
    description: 'The queried name: lower case, without the final dot, bytes that are not printable as \\DDD',
  },
  {
    name: 'query_type',
    type: 'string',
    origin: 'observed',
    description:
      'The queried type by its IANA mnemonic, for example AAAA; TYPE and its number if it has none',
  },

  // What came of it
  { name: 'answered', type: 'boolean', origin: 'observed', description: 'Whether a response was seen' },
  {
    name: 'rcode',
    type: 'enumeration',
    // By the number in the header (RFC 1035 §4.1.1; IANA, "DNS RCODEs"), which has four bits; NONE comes after them.
    values: [
      'NOERROR',
      'FORMERR',
      'SERVFAIL',
      'NXDOMAIN',
      'NOTIMP',
      'REFUSED',
      'YXDOMAIN',
      'YXRRSET',
      'NXRRSET',
      'NOTAUTH',
      'NOTZONE',
      'DSOTYPENI',
      'RCODE12',
      'RCODE13',
      'RCODE14',
      'RCODE15',
      'NONE',
    ],
    origin: 'observed',
    description: "The response's code; NONE without a response",
  },
  {
    name: 'latency_us',
    type: 'uint32',
    origin: 'observed',
    unit: 'microseconds',
    description: 'Time from query to response; 0 if not both were seen',
  },
  {
    name: 'answers',
    type: 'string',
    form: 'list',
    origin: 'observed',
    description: 'The addresses that were answered, in the order of the response, comma-separated',
  },
  {
    name: 'answer_ttl_s',
    type: 'uint32',
    origin: 'observed',
    unit: 'seconds',
    description: 'How long those addresses may be cached, the minimum of them; 0 without addresses',
  },

  // Provenance
  {
    name: 'transport_partition',
    type: 'uint32',
    origin: 'provenance',
    description: 'Partition of the transport that the record came through',
  },
  {
    name: 'transport_offset',
    type: 'uint64',
    origin: 'provenance',
    description: "Offset of the record's batch in that partition",
  },
] as const satisfies readonly FieldDeclaration[];

export type DnsField = (typeof dnsFields)[number];
