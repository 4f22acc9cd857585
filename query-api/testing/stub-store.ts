import type { FlowStore } from '@sonde/backbone/store/store';

/** A store that answers every query by a function, and takes nothing in; for what concerns no record. */
export function stubStore(query: FlowStore['query']): FlowStore {
  const unused = () => Promise.reject(new Error('the API only reads'));
  return {
    query,
    queryStream: (sql, parameters, _format, options) =>
      query<never>(sql, parameters, options) as Promise<never>,
    migrate: unused,
    insert: unused,
    claim: unused,
    highestOffsets: unused,
    insertObjects: unused,
    confirmObjects: unused,
    close: unused,
  };
}
