import { StoreError } from '../store.js';

/**
 * An engine's error as a StoreError with ClickHouse's number, where it has one. Errors of the caller (a column of a
 * wrong length, an aborted query) stay what they are.
 */
export function toStoreError(error: unknown): Error {
  if (error instanceof StoreError || error instanceof RangeError) return error;
  if (!(error instanceof Error)) return new StoreError(String(error));
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return error;
  return new StoreError(error.message, { cause: error, engineCode: engineErrorCode(error) });
}

/** The engine gives its number as a property, or at the beginning of its message; Node gives names such as ENOSPC. */
function engineErrorCode(error: Error): number | undefined {
  const code = 'code' in error ? Number(error.code) : NaN;
  if (!Number.isNaN(code)) return code;
  const [, number] = /^Code: (\d+)\. /.exec(error.message) ?? [];
  return number === undefined ? undefined : Number(number);
}
