import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useState } from 'react';

/** A parameter of a request; undefined ones are left out. */
export type QueryParameters = Readonly<Record<string, string | number | boolean | undefined>>;

/** Listens to a stream of records. */
export interface StreamListener<Row> {
  readonly onRow: (row: Row) => void;
  /** Records that were left out because the client or the server could not keep up. */
  readonly onDropped: (records: number) => void;
  /** The stream broke; it is opened again unless it was closed. */
  readonly onError: (error: Error) => void;
}

/** Sends requests to the query API with the identity of the user. Rejects with an `ApiError`. */
export interface QueryPort {
  get<Answer>(path: string, parameters: QueryParameters, signal?: AbortSignal): Promise<Answer>;
  post<Answer>(path: string, body: object, signal?: AbortSignal): Promise<Answer>;
  /** Opens a stream of server-sent events; returns a function that closes it. */
  stream<Row>(path: string, parameters: QueryParameters, listener: StreamListener<Row>): () => void;
}

/** What the pages need of the program that shows them: the standalone console, or Grafana. */
export interface Host {
  readonly query: QueryPort;
  /** Path that the pages are mounted under, without a trailing slash; empty at the root. */
  readonly basePath: string;
  /** Address of the query API as a user of `sonde --server` types it. */
  readonly server: string;
}

const HostContext = createContext<Host | undefined>(undefined);

/** Gives pages their host. */
export function HostProvider({ host, children }: { readonly host: Host; readonly children: ReactNode }) {
  const [client] = useState(
    // Answers are as old as their time range says: pages ask again only when people do. Errors are shown, not retried.
    () =>
      new QueryClient({
        defaultOptions: { queries: { staleTime: 10_000, retry: false, refetchOnWindowFocus: false } },
      }),
  );
  return (
    <HostContext.Provider value={host}>
      <QueryClientProvider client={client}>{children}</QueryClientProvider>
    </HostContext.Provider>
  );
}

/** The host of the pages. @throws Error outside of a `HostProvider`. */
export function useHost(): Host {
  const host = useContext(HostContext);
  if (!host) throw new Error('pages need a HostProvider');
  return host;
}
