import type { Key } from '@sonde/model/filter/key';
import { stringSql } from '@sonde/model/filter/sql';
import type { Access } from '../access/access.js';
import { SqlParameters } from '../sql/parameters.js';
import { fromWhere, type RecordQuery } from './record-query.js';

/** The statement that lists the distinct values of a field that contain a string, in order. */
export function valuesSql(
  query: RecordQuery,
  key: Key,
  { containing, limit }: { containing: string; limit: number },
  access: Access,
): { sql: string; parameters: SqlParameters } {
  const parameters = new SqlParameters();
  const value = stringSql(key, parameters);
  const isList = key.kind === 'field' && key.field.form !== undefined;
  const each = isList ? `arrayJoin(splitByChar(',', toString(${value})))` : value;
  const substring = parameters.add(containing, 'String');
  const sql = `SELECT value FROM (SELECT ${each} AS value ${fromWhere(query, access, parameters)} GROUP BY value)
    WHERE toString(value) != '' AND positionCaseInsensitiveUTF8(toString(value), ${substring}) > 0
    ORDER BY value LIMIT ${parameters.add(limit, 'UInt32')} + 1`;
  return { sql, parameters };
}
