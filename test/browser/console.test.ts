import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SondeProcess } from '../e2e/sonde-process.js';
import { eventually } from '../eventually.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { openBrowser, openPage, screenshot, type WatchedPage } from './browser.js';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let sonde: SondeProcess;
let browser: Browser;

beforeAll(async () => {
  const data = path.join(temporaryDirectory('console'), 'data');
  // Without a probe, the recorded lab is replayed as if it happened now.
  sonde = new SondeProcess(['up', '--lab', 'storefront', '--port', '0', '--no-table', '--data', data], {
    FLOWPROBE: '/nowhere/flowprobe',
  });
  browser = await openBrowser();
  await eventually(async () => {
    const filter = encodeURIComponent(
      'src.workload == "attacker" && dst.workload == "backend" && action == "deny"',
    );
    const answer = await fetch(`${sonde.url}/api/v1/flows?filter=${filter}`);
    const { flows } = (await answer.json()) as { flows: unknown[] };
    expect(flows.length).toBeGreaterThan(0);
  });
}, 120_000);

afterAll(async () => {
  await browser.close();
  await sonde.end('SIGTERM');
});

async function open(url: string, look = {}): Promise<WatchedPage> {
  const watched = await openPage(browser, look);
  await watched.page.goto(`${sonde.url}${url}`);
  return watched;
}

/** Violations of WCAG rules that axe calls serious or critical. */
async function seriousViolations(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const axe = (globalThis as unknown as { axe: { run(): Promise<{ violations: AxeViolation[] }> } }).axe;
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
  });
}

interface AxeViolation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string }[];
}

describe('from a denied connection to its cause', () => {
  it('takes three clicks: the edge on the map, the rule that denied it, a change that would allow it', async () => {
    const { page, problems } = await open('/map?expanded=storefront,attacker');
    const edges = page.getByRole('table', { name: 'Edges' });
    const denied = edges
      .getByRole('row')
      .filter({ hasText: 'attacker' })
      .filter({ has: page.getByRole('cell', { name: 'backend', exact: true }) });
    await denied.getByRole('button').click();
    const panel = page.getByRole('complementary', { name: 'Edge' });
    await panel.getByText('Denied: denied by security.pci-boundary').waitFor();
    expect(await panel.getByLabel('The rule that decided').last().textContent()).toContain('action: Deny');
    await screenshot(page, 'map-denied-edge');

    await panel.getByRole('link', { name: 'Diagnose' }).click();
    const verdict = page.getByRole('region', { name: 'Verdict' });
    await verdict.getByText('denied by security.pci-boundary').waitFor();
    await page.getByRole('region', { name: 'On the wire' }).getByText('unanswered').first().waitFor();
    await screenshot(page, 'diagnose');

    await verdict.getByRole('button', { name: 'Preview a policy that allows it' }).click();
    await page.getByText(/flows? would get a different verdict/).waitFor();
    await screenshot(page, 'preview');
    expect(problems).toEqual([]);
    await page.close();
  });
});

describe('the flows page', () => {
  it('filters by a click, keeps everything in the URL, and goes back', async () => {
    const { page, problems } = await open('/flows');
    const grid = page.getByRole('grid', { name: 'Flows' });
    const cell = grid.getByRole('gridcell').filter({ hasText: 'storefront/backend' }).first();
    await cell.hover();
    await cell.getByRole('button', { name: /^Only/ }).click();
    await page.waitForURL(/filter=/);
    const filter = new URL(page.url()).searchParams.get('filter');
    expect(filter).toMatch(/namespace == "storefront" && (src|dst)\.(workload|name) == "backend"/);
    expect(await page.getByRole('list', { name: 'Conditions' }).getByRole('listitem').count()).toBe(2);
    await page.reload();
    await grid.getByRole('row').nth(1).waitFor();
    expect(new URL(page.url()).searchParams.get('filter')).toBe(filter);
    await page.goBack();
    expect(new URL(page.url()).searchParams.get('filter')).toBeNull();
    expect(problems).toEqual([]);
    await page.close();
  });

  it('opens a row with the keyboard and shows its policy trace', async () => {
    const { page } = await open(
      `/flows?filter=${encodeURIComponent('action == "deny" && src.workload == "attacker"')}`,
    );
    const grid = page.getByRole('grid', { name: 'Flows' });
    await grid.getByRole('row').nth(1).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const drawer = page.getByRole('dialog');
    await drawer
      .getByText(/denied by/)
      .first()
      .waitFor();
    await screenshot(page, 'flow-drawer');
    await page.close();
  });

  it('marks the error of a filter at its place and suggests names', async () => {
    const { page } = await open(`/flows?filter=${encodeURIComponent('src.namespac == "x"')}`);
    const alert = page.getByRole('alert').first();
    await alert.waitFor();
    expect(await alert.locator('mark').textContent()).toContain('namespac');
    expect(await alert.textContent()).toContain('src.namespace');
    await page.close();
  });
});

const pages = ['map', 'flows', 'diagnose', 'policies', 'dns', 'overview'];

it.each(pages)('the page %s has no serious accessibility problem, in both themes and sizes', async (name) => {
  for (const look of [
    { width: 1280, height: 800, theme: 'dark' },
    { width: 1920, height: 1080, theme: 'light' },
  ] as const) {
    const { page, problems } = await open(`/${name}`, look);
    await page.waitForLoadState('networkidle');
    await page.getByText('Arranging the map').waitFor({ state: 'detached' });
    await screenshot(page, `${name}-${look.width}-${look.theme}`);
    expect(await seriousViolations(page)).toEqual([]);
    expect(problems).toEqual([]);
    await page.close();
  }
});
