import { formatAddress } from '@sonde/model/net/address';
import type { ColumnByType, Column } from '@sonde/model/record/columns';
import type { FieldDeclaration } from '@sonde/model/record/field';
import { halvesOf, readWide } from '@sonde/model/record/wide';

/**
 * Serializes rows of columns as JSON objects in the form of `recordJson`. Prepared once per block: strings are quoted once
 * per dictionary entry, and fields with the same value in all rows are serialized once.
 */
export function jsonRows(
  fields: readonly FieldDeclaration[],
  columns: Readonly<Record<string, Column>>,
): (row: number) => string {
  const writers: { readonly start: string; readonly value: (row: number) => string | number }[] = [];
  let text = '{';
  for (const [at, field] of fields.entries()) {
    const column = columns[field.name];
    if (!column) throw new RangeError(`there is no column ${field.name}`);
    const value = writerOf(field, column);
    text += `${at === 0 ? '' : ','}${JSON.stringify(field.name)}:`;
    if (isConstant(field, column)) text += String(value(0));
    else {
      writers.push({ start: text, value });
      text = '';
    }
  }
  const end = `${text}}`;
  return (row) => {
    let json = '';
    for (const { start, value } of writers) json += `${start}${value(row)}`;
    return json + end;
  };
}

/** Whether a column has the same value in all rows. */
function isConstant({ type }: FieldDeclaration, column: Column): boolean {
  const values = 'dictionary' in column ? column.indexes : column;
  const width = type === 'ip' ? 16 : 1;
  for (let i = width; i < values.length; i++) if (values[i] !== values[i % width]) return false;
  return true;
}

function writerOf(field: FieldDeclaration, column: Column): (row: number) => string | number {
  switch (field.type) {
    case 'time': {
      const halves = halvesOf(column as ColumnByType['time']);
      return (row) => `"${new Date(readWide(halves, row)).toISOString()}"`;
    }
    case 'uint64': {
      const halves = halvesOf(column as ColumnByType['uint64']);
      return (row) => {
        const value = readWide(halves, row);
        return value <= Number.MAX_SAFE_INTEGER
          ? value
          : `"${(column as ColumnByType['uint64'])[row] ?? 0n}"`;
      };
    }
    case 'ip':
      return (row) => `"${formatAddress(column as ColumnByType['ip'], row * 16)}"`;
    case 'string': {
      const { indexes, dictionary } = column as ColumnByType['string'];
      const quoted: string[] = [];
      return (row) => {
        const index = indexes[row] ?? 0;
        return (quoted[index] ??= JSON.stringify(dictionary[index] ?? ''));
      };
    }
    case 'enumeration': {
      const quoted = (field.values ?? []).map((value) => JSON.stringify(value));
      return (row) => quoted[(column as ColumnByType['enumeration'])[row] ?? 0] ?? '""';
    }
    case 'boolean':
      return (row) => ((column as ColumnByType['boolean'])[row] === 0 ? 'false' : 'true');
    default:
      return (row) => (column as ColumnByType['uint32'])[row] ?? 0;
  }
}
