import { csvLine } from '../format/csv-line.js';
import { mapTask } from '../limits/cooperative-task.js';
import type { Table } from './table.js';

/** A task that writes a table as CSV with a header. */
export function* csvTask({ columns, rows }: Table): Generator<undefined, string> {
  const header = csvLine(
    columns.map(({ name }) => name),
    () => false,
  );
  const lines = yield* mapTask(rows, (row) =>
    csvLine(
      columns.map((_, column) => row[column] ?? null),
      (column) => columns[column]?.type === 'string',
    ),
  );
  return header + lines.join('');
}
