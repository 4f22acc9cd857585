import { useEffect, useRef, useState } from 'react';
import { type Answer, useAnswer } from '../api/use-answer.js';
import { useHost } from '../host/host.js';
import type { PageState } from '../host/page-state.js';
import type { Flow } from '../records/flow.js';

/** Rows that one request brings. */
const PAGE_ROWS = 1000;
/** Rows that the live table keeps; older ones go. */
const MAX_LIVE_ROWS = 5000;
/** Time between two updates of the live table, in milliseconds. */
const LIVE_UPDATE_MS = 500;

interface FlowsPage {
  readonly flows: readonly Flow[];
  /** Cursor of the next page; absent on the last one. */
  readonly next?: string;
}

/** The newest flows of the page's range and filter. */
export function useFlows({ range, filter }: PageState, isOn: boolean, reload: number): Answer<FlowsPage> {
  const key = isOn ? JSON.stringify([range, filter, reload]) : undefined;
  return useAnswer(key, (query, signal) =>
    query.get<FlowsPage>('/api/v1/flows', { ...range, filter, limit: PAGE_ROWS }, signal),
  );
}

/** Flows as they arrive, newest first. */
export interface LiveFlows {
  readonly flows: readonly Flow[];
  /** Flows left out because more came than this page or the server could keep up with. */
  readonly dropped: number;
  readonly error: Error | undefined;
}

/** Live flows with the filter they passed. */
interface Filtered extends LiveFlows {
  readonly filter: string;
}

/** Subscribes to new flows that pass a filter while `isOn`; when paused, the rows stay as they are. */
export function useLiveFlows(filter: string, isOn: boolean): LiveFlows {
  const { query } = useHost();
  const [live, setLive] = useState<Filtered>({ ...EMPTY, filter });
  const arrived = useRef<Flow[]>([]);
  useEffect(() => {
    if (!isOn) return;
    let dropped = 0;
    const close = query.stream<Flow>(
      '/api/v1/flows/live',
      { filter },
      {
        onRow: (flow) => arrived.current.push(flow),
        onDropped: (records) => (dropped += records),
        onError: (error) => setLive((former) => ({ ...former, filter, error })),
      },
    );
    const timer = setInterval(() => {
      const fresh = arrived.current.splice(0).reverse();
      const lost = dropped;
      dropped = 0;
      if (fresh.length === 0 && lost === 0) return;
      setLive((former) => {
        const { flows, dropped: left } = former.filter === filter ? former : EMPTY;
        return {
          filter,
          flows: [...fresh, ...flows].slice(0, MAX_LIVE_ROWS),
          dropped: left + lost,
          error: undefined,
        };
      });
    }, LIVE_UPDATE_MS);
    return () => {
      close();
      clearInterval(timer);
    };
  }, [query, filter, isOn]);
  return live.filter === filter ? live : EMPTY;
}

const EMPTY: LiveFlows = { flows: [], dropped: 0, error: undefined };
