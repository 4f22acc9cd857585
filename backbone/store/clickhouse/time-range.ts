import type { Records } from '@sonde/model/record/columns';
import type { FlowColumns } from '@sonde/model/flow/records';
import { halvesOf, readWide } from '@sonde/model/record/wide';

/** The earliest and the latest start time of records, in ms since 1970. */
export function timeRangeOf({ rows, columns }: TimedRecords): {
  readonly first: number;
  readonly last: number;
} {
  const times = halvesOf(columns.start_time);
  let first = Infinity;
  let last = -Infinity;
  for (let row = 0; row < rows; row++) {
    const time = readWide(times, row);
    if (time < first) first = time;
    if (time > last) last = time;
  }
  return { first, last };
}

interface TimedRecords {
  readonly rows: Records['rows'];
  readonly columns: Pick<FlowColumns, 'start_time'>;
}
