import { type ObservedDns, observedDnsFields } from '@sonde/model/dns/records';
import { queryTypeName } from '@sonde/model/dns/query-types';
import { parseAddress } from '@sonde/model/net/address';
import { allocateColumns } from '@sonde/model/record/columns';
import { StringColumnBuilder } from '@sonde/model/record/string-column';
import { halvesOf, writeWide } from '@sonde/model/record/wide';
import type { DnsTransaction } from './messages.js';

/** `rcode` of lookups without a response: the value after the 16 of the DNS header. */
const NO_RESPONSE = 16;

/** Converts the DNS transactions of a window to columns. Lookups are few compared to flows, so each may be an object. */
export function dnsColumns(transactions: readonly DnsTransaction[]): ObservedDns {
  const rows = transactions.length;
  const columns = allocateColumns(observedDnsFields, rows);
  const starts = halvesOf(columns.start_time);
  const names = new StringColumnBuilder(rows);
  const types = new StringColumnBuilder(rows);
  const answers = new StringColumnBuilder(rows);

  for (const [row, transaction] of transactions.entries()) {
    const { answered, addresses } = transaction;
    writeWide(starts, row, Math.floor(transaction.startMs));
    columns.src_ip.set(parseAddress(transaction.client), row * 16);
    columns.src_port[row] = transaction.clientPort;
    columns.dst_ip.set(parseAddress(transaction.server), row * 16);
    columns.protocol[row] = transaction.protocol;
    names.indexes[row] = names.intern(transaction.queryName);
    types.indexes[row] = types.intern(queryTypeName(transaction.queryType));
    columns.answered[row] = Number(answered);
    columns.rcode[row] = answered ? transaction.responseCode : NO_RESPONSE;
    columns.latency_us[row] = transaction.latencyMicros;
    answers.indexes[row] = answers.intern(addresses.map(({ address }) => address).join(','));
    columns.answer_ttl_s[row] = minSeconds(addresses);
  }
  return {
    rows,
    columns: { ...columns, query_name: names.build(), query_type: types.build(), answers: answers.build() },
  };
}

function minSeconds(addresses: DnsTransaction['addresses']): number {
  return addresses.length === 0 ? 0 : Math.min(...addresses.map(({ seconds }) => seconds));
}
