import type { FieldDeclaration } from '@sonde/model/record/field';
import { csvLine } from '../format/csv-line.js';
import { mapTask } from '../limits/cooperative-task.js';
import { type RecordJson, recordJson } from './record-json.js';

/** The header line of records as CSV. */
export function recordsCsvHeader(fields: readonly FieldDeclaration[]): string {
  return csvLine(
    fields.map(({ name }) => name),
    () => false,
  );
}

/** A task that writes rows of the store as lines of CSV, with values in the API's form. */
export function* recordsCsvTask(
  fields: readonly FieldDeclaration[],
  rows: readonly RecordJson[],
): Generator<undefined, string> {
  const convert = recordJson(fields);
  const isString = fields.map(({ type }) => type === 'string');
  const lines = yield* mapTask(rows, (row) => {
    const record = convert(row);
    return csvLine(
      fields.map(({ name }) => record[name] ?? null),
      (column) => isString[column] === true,
    );
  });
  return lines.join('');
}
