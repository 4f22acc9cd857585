import { StoreError } from '../store.js';

/** Any failure of an engine, of the network or of the disk as a StoreError, with ClickHouse's error code if it has one. */
export function toStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  if (!(error instanceof Error)) return new StoreError(String(error));
  return new StoreError(error.message, { cause: error, engineCode: engineErrorCode(error) });
}

/** ClickHouse's code is a property of the error or at the start of its message; Node's codes are names such as ENOSPC. */
function engineErrorCode(error: Error): number | undefined {
  const code = 'code' in error ? Number(error.code) : NaN;
  if (!Number.isNaN(code)) return code;
  const [, number] = /^Code: (\d+)\. /.exec(error.message) ?? [];
  return number === undefined ? undefined : Number(number);
}
