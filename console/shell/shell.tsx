import { createTheme, ThemeContext } from '@grafana/data';
import { initPluginTranslations } from '@grafana/i18n';
import { GlobalStyles } from '@grafana/ui';
import { type MouseEvent, type ReactNode, Suspense, useEffect, useMemo, useState } from 'react';
import { BrowserRouter, Navigate, NavLink, Route, Routes, useNavigate } from 'react-router-dom';
import { HostProvider } from '../host/host.js';
import { httpQuery } from './http-query.js';
import { usePageLink } from '../host/page-state.js';
import { pages } from '../pages.js';
import { TimeRangePicker } from '../navigation/time-range-picker.js';
import { Button, Icon } from '../kit/ui.js';
import { Identity } from './identity.js';
import { readToken } from './token.js';
import './shell.css';

/** The console on its own: header, navigation and pages, at the origin of the query API. */
export function Shell() {
  const [mode, setMode] = useState(readMode);
  const [isReady, setReady] = useState(false);
  const theme = useMemo(() => createTheme({ colors: { mode } }), [mode]);
  const host = useMemo(
    () => ({ query: httpQuery('', readToken), basePath: '', server: window.location.origin }),
    [],
  );
  useEffect(() => {
    // The kit translates its own texts; it may not render before this is done.
    void initPluginTranslations('sonde').finally(() => setReady(true));
  }, []);
  useEffect(() => {
    localStorage.setItem(MODE_KEY, mode);
    document.documentElement.dataset['theme'] = mode;
  }, [mode]);
  if (!isReady) return null;
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <HostProvider host={host}>
        <BrowserRouter>
          <a className="skip" href="#page">
            Skip to the page
          </a>
          <header className="header">
            <strong>Sonde</strong>
            <Navigation />
            <TimeRangePicker />
            <Identity />
            <Button
              variant="secondary"
              fill="text"
              icon="palette"
              aria-label={`Use the ${mode === 'dark' ? 'light' : 'dark'} theme`}
              onClick={() => setMode(mode === 'dark' ? 'light' : 'dark')}
            />
          </header>
          <PageArea>
            <Suspense fallback={<p>Loading …</p>}>
              <Routes>
                {pages.map(({ path, Page }) => (
                  <Route key={path} path={`/${path}`} element={<Page />} />
                ))}
                <Route path="*" element={<Navigate to="/map" replace />} />
              </Routes>
            </Suspense>
          </PageArea>
        </BrowserRouter>
      </HostProvider>
    </ThemeContext.Provider>
  );
}

/** The area of the page. Links to other pages change the page without loading the console again. */
function PageArea({ children }: { readonly children: ReactNode }) {
  const navigate = useNavigate();
  const follow = (event: MouseEvent<HTMLElement>) => {
    const link = (event.target as Element).closest('a');
    const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey;
    if (!link || !isPlain || link.origin !== window.location.origin || link.target === '_blank') return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  };
  return (
    <main id="page" className="page" tabIndex={-1} onClickCapture={follow}>
      {children}
    </main>
  );
}

function Navigation() {
  const link = usePageLink();
  return (
    <nav aria-label="Pages">
      {pages.map(({ path, title, icon }) => (
        <NavLink key={path} to={link(path)}>
          <Icon name={icon} /> {title}
        </NavLink>
      ))}
    </nav>
  );
}

const MODE_KEY = 'sonde.theme';

function readMode(): 'dark' | 'light' {
  const kept = localStorage.getItem(MODE_KEY);
  if (kept === 'dark' || kept === 'light') return kept;
  return window.matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
}
