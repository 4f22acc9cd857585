import { observedDnsFields, type ObservedDns } from '@sonde/model/dns/records';
import { observedFlowFields } from '@sonde/model/flow/observed';
import { selectRows } from '@sonde/model/record/select-rows';
import { halvesOf, readWide } from '@sonde/model/record/wide';
import type { ObservedWindow } from './flow-source.js';

/**
 * Records are from 2000 to 2100. A node whose clock is further off would fill table partitions that nobody queries, and
 * dates after 2106 do not fit ClickHouse's DateTime, which retention and retries rely on.
 */
export const EARLIEST_MS = Date.UTC(2000, 0);
export const LATEST_MS = Date.UTC(2100, 0);

/** The rows of a window with valid times, and how many others it had. */
export interface ValidTimes {
  readonly window: ObservedWindow;
  readonly invalidFlows: number;
  readonly invalidLookups: number;
}

/** Removes the flows and lookups of a window whose times are not from {@link EARLIEST_MS} up to {@link LATEST_MS}. */
export function removeInvalidTimes(window: ObservedWindow): ValidTimes {
  const { rows, columns, dns, counters } = window;
  const flows = validRows(rows, columns.start_time, columns.end_time);
  const lookups = dns && validRows(dns.rows, dns.columns.start_time);
  if (!flows && !lookups) return { window, invalidFlows: 0, invalidLookups: 0 };
  const valid: ObservedWindow = {
    ...{ rows, columns, counters },
    ...(flows && { rows: flows.length, columns: selectRows(observedFlowFields, columns, flows) }),
    ...withLookups(dns, lookups),
  };
  return {
    window: valid,
    invalidFlows: rows - valid.rows,
    invalidLookups: (dns?.rows ?? 0) - (valid.dns?.rows ?? 0),
  };
}

function withLookups(dns: ObservedDns | undefined, rows: readonly number[] | undefined) {
  if (!dns || rows?.length === 0) return {};
  if (!rows) return { dns };
  return { dns: { rows: rows.length, columns: selectRows(observedDnsFields, dns.columns, rows) } };
}

/** The rows whose times are all valid; undefined if all rows are, which allocates nothing. */
function validRows(rows: number, ...times: readonly BigUint64Array[]): number[] | undefined {
  if (times.every(areValid)) return undefined;
  const halves = times.map(halvesOf);
  return Array.from({ length: rows }, (_, row) => row).filter((row) =>
    halves.every((half) => isValid(readWide(half, row))),
  );
}

function areValid(times: BigUint64Array): boolean {
  const halves = halvesOf(times);
  for (let row = 0; row < times.length; row++) {
    if (!isValid(readWide(halves, row))) return false;
  }
  return true;
}

function isValid(ms: number): boolean {
  return ms >= EARLIEST_MS && ms < LATEST_MS;
}
