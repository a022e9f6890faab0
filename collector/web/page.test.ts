import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aHost, anIncident, startApi, T0, type TestApi } from '../api/testing.ts';
import { aConsequence, aCrashIncident, anExplainedIncident } from '../api/testing-incidents.ts';
import { chromiumPath, launchChromium, openPage } from './testing.ts';

describe.skipIf(chromiumPath === undefined)('the page in a browser (needs chromium in /usr/bin)', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());
  const open = (api: TestApi, hash?: string) => openPage(browser, api, hash);

  const titles = (page: Page, list: string) => page.locator(`${list} .title`).allTextContents();

  test('lists what fires first, by severity, and what is over apart', async () => {
    await using api = await startApi();
    api.database.commit({
      hosts: [aHost('web-1')],
      incidents: [
        anIncident({ id: 'i1-0', title: 'resolving', state: 'resolving', severity: 'critical' }),
        anIncident({ id: 'i2-0', title: 'warning', severity: 'warning' }),
        anIncident({ id: 'i3-0', title: 'critical', severity: 'critical' }),
        anIncident({ id: 'i4-0', title: 'over', state: 'closed', resolved_us: T0 + 9_000_000 }),
      ],
    });
    const { page, complaints } = await open(api);
    await page.locator('#resolved .title').waitFor();
    expect(await titles(page, '#open')).toEqual(['critical', 'warning', 'resolving']);
    expect(await titles(page, '#resolved')).toEqual(['over']);
    expect(await page.locator('#resolved .when').textContent()).toMatch(/^resolved .* ago, lasted 4 s$/);
    expect(await page.title()).toBe('(2) Netfall');
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('shows a change as it comes, and what has the focus keeps it', async () => {
    await using api = await startApi();
    api.database.commit({ hosts: [aHost('web-1')], incidents: [anIncident()] });
    const { page, complaints } = await open(api);
    // By keyboard: from the ledger to the incident.
    await page.locator('#open .line').waitFor();
    await page.locator('#ledger .ledger-head').focus();
    await page.keyboard.press('Tab');
    api.database.commit({
      incidents: [
        anIncident({ version: 2, title: 'now on two' }),
        anIncident({ id: 'i200-0', title: 'another', severity: 'critical' }),
      ],
    });
    await page.getByText('another', { exact: true }).waitFor();
    expect(await titles(page, '#open')).toEqual(['another', 'now on two']);
    expect(await page.locator('li:has(> .line:focus)').getAttribute('id')).toBe('i100-0');
    // An older copy, as another replica may send it, changes nothing.
    api.database.commit({ incidents: [anIncident({ version: 1, title: 'old' })] });
    api.database.commit({
      incidents: [anIncident({ id: 'i200-0', version: 2, state: 'resolved', resolved_us: T0 + 9_000_000 })],
    });
    await page.locator('#resolved #i200-0').waitFor();
    expect(await titles(page, '#open')).toEqual(['now on two']);
    // What turned out to be another incident is that one's.
    api.database.commit({ incidents: [anIncident({ version: 3, state: 'merged', merged_into: 'i9-0' })] });
    await page.locator('#i100-0').waitFor({ state: 'detached' });
    await page.locator('#resolved .line').click();
    await page.locator('#view h2').waitFor();
    expect(page.url()).toMatch(/#incident\/i200-0$/);
    await page.getByRole('link', { name: 'All incidents' }).click();
    await page.locator('#open-title:focus').waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('tells incidents apart, and puts those last that nobody is told of', async () => {
    await using api = await startApi();
    api.database.commit({
      hosts: [aHost('web-1')],
      incidents: [anIncident(), anExplainedIncident(), aCrashIncident(), aConsequence()],
    });
    const { page, complaints } = await open(api);
    await page.locator('#open .title').nth(3).waitFor();
    const items = page.locator('#open > li');
    const ids = await items.evaluateAll((all) => all.map(({ id }) => id));
    expect(ids).toEqual(['i100-0', 'i4102-0', 'i4200-0', 'i4210-0']);
    expect(await page.locator('#open .hosts').allTextContents()).toEqual([
      '1 host',
      '38/40 hosts',
      '2 hosts',
      '3 hosts',
    ]);
    const marks = (await items.all()).map((item) => item.locator('.marks > span').allTextContents());
    expect(await Promise.all(marks)).toEqual([
      [],
      ['acknowledged by alice'],
      ['in maintenance', 'crash loop', 'regression'],
      ['comes of i4200-0'],
    ]);
    expect(await page.title()).toBe('(1) Netfall');
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('what hosts call themselves is text', async () => {
    await using api = await startApi();
    const hostile = '<img src=x onerror=alert(1)>';
    const acknowledged = { by: hostile, at_us: T0, comment: '' };
    api.database.commit({
      hosts: [aHost('web-1')],
      incidents: [anIncident({ title: hostile, acknowledged, merged_into: hostile })],
    });
    const { page, complaints } = await open(api);
    await page.locator('#open .title').waitFor();
    expect(await titles(page, '#open')).toEqual([hostile]);
    expect(await page.locator('.marks > span').allTextContents()).toEqual([
      `acknowledged by ${hostile}`,
      `into ${hostile}`,
    ]);
    expect(await page.locator('img').count()).toBe(0);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('says that all is well, with what it is based on', async () => {
    await using api = await startApi();
    const { page } = await open(api);
    await page.getByText('No host reports yet.').waitFor();
    api.database.commit({
      hosts: [aHost('a'), aHost('b'), aHost('c', { status: 'silent', messages_lost: 4 })],
    });
    const told = page.getByText('2 hosts report, and their ledgers show 4 losses, listed above.');
    const asksAgain = async () => {
      await page.clock.fastForward(10_000);
      return told.isVisible();
    };
    await expect.poll(asksAgain, { timeout: 20_000, interval: 200 }).toBe(true);
    expect(await page.locator('#fleet dt').allTextContents()).toEqual(['hosts live', 'silent']);
    expect(await page.locator('#fleet dd').allTextContents()).toEqual(['2', '1']);
    await page.close();
  });

  test('says that a replica is behind, and that the collector is gone', async () => {
    const api = await startApi();
    api.setStatus({ ready: false, why: 'reading the log: at entry 120 of 9000' });
    const { page } = await open(api);
    await page
      .getByText('What is shown is not current yet: reading the log: at entry 120 of 9000.')
      .waitFor();
    await api[Symbol.asyncDispose]();
    await page.getByText('Reconnecting; what is shown may be old').waitFor();
    await page.close();
  });
});
