import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Debian's browser; playwright's own cannot be downloaded everywhere. */
const CHROMIUM = '/usr/bin/chromium';

/** Where screenshots of the tests are kept. */
const screenshots = path.join(import.meta.dirname, '../.work/screenshots');

/** Starts a headless browser. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
}

/** A page that keeps what its console says is wrong. */
export interface WatchedPage {
  readonly page: Page;
  /** Errors and failed requests so far; requests that the page itself aborts do not count. */
  readonly problems: string[];
}

export interface PageLook {
  readonly width?: number;
  readonly height?: number;
  readonly theme?: 'dark' | 'light';
}

/** Opens a page of a size and theme. */
export async function openPage(browser: Browser, look: PageLook = {}): Promise<WatchedPage> {
  const { width = 1280, height = 800, theme = 'dark' } = look;
  const page = await browser.newPage({
    viewport: { width, height },
    colorScheme: theme,
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
  });
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.status()} ${response.url()}`);
  });
  return { page, problems };
}

/** Keeps a screenshot of a page among the test's artifacts. */
export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(screenshots, { recursive: true });
  await page.screenshot({ path: path.join(screenshots, `${name}.png`) });
}
