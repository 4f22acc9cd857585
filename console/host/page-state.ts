import { useCallback, useMemo } from 'react';
import { useLocation, useNavigate, useSearchParams } from 'react-router-dom';
import { DEFAULT_RANGE, type TimeRange } from '../time/time-range.js';

/** What all pages share, and each page's own values: all of it stands in the URL. */
export interface PageState {
  readonly range: TimeRange;
  /** Time zone to show times in: an IANA name, `UTC` or `browser`. */
  readonly zone: string;
  /** The filter's text; empty for all records. */
  readonly filter: string;
  /** A value of the page; undefined if the URL has none. */
  readonly value: (name: string) => string | undefined;
}

export interface PageStateChange {
  readonly range?: TimeRange;
  readonly zone?: string;
  readonly filter?: string;
  /** Values of the page; undefined removes one. */
  readonly values?: Readonly<Record<string, string | undefined>>;
}

/** Parameters that all pages share, kept when changing pages. */
const SHARED = ['from', 'to', 'tz', 'filter'];

/**
 * The state of the page, read from the URL, and a function that changes it. A change adds to the browser's history,
 * so that "back" undoes it, unless `replace` is given.
 */
export function usePageState(): readonly [PageState, (change: PageStateChange, replace?: boolean) => void] {
  const [search, setSearch] = useSearchParams();
  const state = useMemo(() => readPageState(search), [search]);
  const change = useCallback(
    (next: PageStateChange, replace = false) => {
      setSearch((current) => writePageState(current, next), { replace });
    },
    [setSearch],
  );
  return [state, change];
}

/** Links to other pages that keep time range, time zone and filter. */
export function usePageLink(): {
  (page: string, change?: PageStateChange): string;
} {
  const { search } = useLocation();
  return useCallback(
    (page, change = {}) => {
      const shared = new URLSearchParams(
        [...new URLSearchParams(search)].filter(([name]) => SHARED.includes(name)),
      );
      const text = writePageState(shared, change).toString();
      return text === '' ? `/${page}` : `/${page}?${text}`;
    },
    [search],
  );
}

/** Opens another page, as `usePageLink` links to it. For values of several lines, which links of the kit lose. */
export function useOpenPage(): (page: string, change?: PageStateChange) => void {
  const navigate = useNavigate();
  const link = usePageLink();
  return useCallback(
    (page, change) => {
      navigate(link(page, change));
    },
    [navigate, link],
  );
}

export function readPageState(search: URLSearchParams): PageState {
  return {
    range: { from: search.get('from') ?? DEFAULT_RANGE.from, to: search.get('to') ?? DEFAULT_RANGE.to },
    zone: search.get('tz') ?? 'browser',
    filter: search.get('filter') ?? '',
    value: (name) => search.get(name) ?? undefined,
  };
}

/** The search parameters after a change; defaults are left out, so that links stay short. */
export function writePageState(current: URLSearchParams, change: PageStateChange): URLSearchParams {
  const next = new URLSearchParams(current);
  const put = (name: string, value: string | undefined, byDefault = '') => {
    if (value === undefined || value === byDefault) next.delete(name);
    else next.set(name, value);
  };
  if (change.range) {
    put('from', change.range.from, DEFAULT_RANGE.from);
    put('to', change.range.to, DEFAULT_RANGE.to);
  }
  if (change.zone !== undefined) put('tz', change.zone, 'browser');
  if (change.filter !== undefined) put('filter', change.filter);
  for (const [name, value] of Object.entries(change.values ?? {})) put(name, value);
  return next;
}
