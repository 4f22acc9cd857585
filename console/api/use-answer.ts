import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { type QueryPort, useHost } from '../host/host.js';

/** The state of a request. `data` of the request before stays until the next answer, so that pages do not flicker. */
export type Answer<Data> =
  | { readonly state: 'loading'; readonly data: Data | undefined; readonly cancel: () => void }
  | { readonly state: 'ready'; readonly data: Data }
  | { readonly state: 'idle'; readonly data: Data | undefined }
  | { readonly state: 'failed'; readonly data: Data | undefined; readonly error: Error };

/**
 * Sends a request, and again whenever its key changes; a request that nobody waits for any more is aborted. Equal keys
 * on a page share one request.
 * @param key identifies the request with all its parameters; undefined sends none.
 */
export function useAnswer<Data>(
  key: string | undefined,
  request: (query: QueryPort, signal: AbortSignal) => Promise<Data>,
): Answer<Data> {
  const { query } = useHost();
  const client = useQueryClient();
  const queryKey = [key];
  const { data, error, fetchStatus, isError } = useQuery({
    queryKey,
    queryFn: ({ signal }) => request(query, signal),
    enabled: key !== undefined,
    placeholderData: keepPreviousData,
  });
  if (fetchStatus === 'fetching') {
    return { state: 'loading', data, cancel: () => void client.cancelQueries({ queryKey }) };
  }
  if (isError) return { state: 'failed', data, error };
  return data === undefined ? { state: 'idle', data } : { state: 'ready', data };
}
