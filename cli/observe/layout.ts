import type { DnsRow } from '@sonde/model/dns/records';
import type { FlowRow } from '@sonde/model/flow/records';
import { flowCells } from '../flow-table/cells.js';
import { flowLayout, flowLine } from '../flow-table/lines.js';
import { jsonText, printable } from '../table/printable.js';
import type { Screen } from '../table/screen.js';
import { commonDate, type TimeFormat } from '../table/time.js';
import { columnTable } from './column-lines.js';
import { compactFlow, compactLookup } from './compact-lines.js';
import { dnsLayout, dnsLine } from './dns-lines.js';
import type { RecordKind, StoredRecord } from '../client/records.js';

export type RecordOutput = 'table' | 'compact' | 'json' | 'jsonl';

/** How records are printed. */
export interface Layout {
  readonly title?: string;
  readonly line: (record: StoredRecord) => string;
}

export interface LayoutOptions {
  readonly output: RecordOutput;
  /** Comma-separated fields; empty for the default columns. */
  readonly columns: string;
  readonly times: TimeFormat;
  readonly screen: Screen;
}

/** Lays out records of a kind, for the widths of those that are known. */
export function layoutOf(kind: RecordKind, options: LayoutOptions, records: readonly StoredRecord[]): Layout {
  if (options.output === 'json' || options.output === 'jsonl') return { line: (record) => jsonText(record) };
  const layout = textLayout(kind, options, printable(records));
  return { ...layout, line: (record) => layout.line(printable(record)) };
}

function textLayout(kind: RecordKind, options: LayoutOptions, records: readonly StoredRecord[]): Layout {
  const { output, columns, screen } = options;
  if (columns !== '') {
    const { layout, cells } = columnTable(columns.split(','), records, screen.width);
    return { title: layout.title(screen.paint), line: (record) => layout.line(cells(record)) };
  }
  // Without selected columns, records have all their fields.
  if (kind === 'dns') return lookupLayout(options, records as unknown as DnsRow[]);
  const flows = records as unknown as FlowRow[];
  const { times } = options;
  if (output === 'compact')
    return { line: (record) => compactFlow(record as unknown as FlowRow, times, screen.paint) };
  const { date, shownTimes } = datedTimes(flows, options);
  const layout = flowLayout(
    flows.map((flow) => flowCells(flow, shownTimes)),
    screen.width,
    date,
  );
  return {
    title: layout.title(screen.paint),
    line: (record) => flowLine(layout, record as unknown as FlowRow, shownTimes, screen.paint),
  };
}

/** On a terminal, the date of records of one day is the title of the column of times. */
function datedTimes(
  records: readonly { readonly start_time: string }[],
  { times, screen }: LayoutOptions,
): { readonly date: string | undefined; readonly shownTimes: TimeFormat } {
  const [first] = records;
  if (!first || screen.width === undefined) return { date: undefined, shownTimes: times };
  const starts = records.map(({ start_time }) => start_time);
  const date = commonDate(starts, times);
  return { date, shownTimes: date === undefined ? times : { ...times, nowMs: Date.parse(first.start_time) } };
}

function lookupLayout(options: LayoutOptions, lookups: readonly DnsRow[]): Layout {
  const { output, times, screen } = options;
  if (output === 'compact')
    return { line: (record) => compactLookup(record as unknown as DnsRow, times, screen.paint) };
  const { date, shownTimes } = datedTimes(lookups, options);
  const layout = dnsLayout(lookups, shownTimes, screen.width, date);
  return {
    title: layout.title(screen.paint),
    line: (record) => dnsLine(layout, record as unknown as DnsRow, shownTimes, screen.paint),
  };
}
