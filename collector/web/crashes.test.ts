import { createHash } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aCrash, aHost, startApi, T0, type TestApi } from '../api/testing.ts';
import type { StoredRecord } from '../fold/crash.ts';
import { aReading } from '../fold/testing/crash-items.ts';
import { chromiumPath, launchChromium, openPage } from './testing.ts';

const second = 1_000_000;
const before = Array.from({ length: 60 }, (_, i) => `[   10.${String(i).padStart(6, '0')}] before ${i}`);
const first = [
  '[  100.000000] BUG: kernel NULL pointer dereference, address: 0000000000000010',
  '[  100.000001] CPU: 0 PID: 77 Comm: sh Tainted: G        W          6.1.0-18-amd64 #1',
  '[  100.000002] RIP: 0010:nvme_queue_rq+0x10/0x40 [nvme]',
  '[  100.000003] Call Trace:',
  '[  100.000004]  blk_mq_dispatch+0x10/0x40',
];
const rest = [
  '[  100.000005]  blk_mq_run+0x10/0x40',
  '[  100.000006]  <img src=x onerror=alert(1)>',
  '[  100.000007] ---[ end trace 0000000000000000 ]---',
];
const head = `${[...before, ...first].join('\n')}\n`;
const log = Buffer.from(`${head}${rest.join('\n')}\n`);
const digest = createHash('sha256').update(log).digest('hex');
const whole: Partial<StoredRecord> = {
  ...{ digest, bytes: log.length, holes: [{ at: head.length, bytes: 300, exact: true }] },
  ...{ parser_version: 1, reading: aReading() },
};
/** Another crash of the same bug, on another host. */
const other = aCrash(
  { id: 'c200-0' },
  {
    ...{ ...whole, first_us: T0 + 60 * second, kernel: '6.1.0-20-amd64' },
    crashed: { host_id: 'web-2', hostname: 'web-2', kernel: '6.1.0-20-amd64', hardware: 'QEMU Standard PC' },
  },
);
const stall = aCrash(
  { id: 'c300-0' },
  { reading: aReading({ signature: '1:00000000000000bb', title: 'stall', type: 'rcu-stall', bug: 'stall' }) },
);
const unread = aCrash(
  { id: 'c400-0' },
  {
    crashed: null,
    holders: [],
    sender: '192.0.2.77',
    kind: '',
    line: '',
    revision: 0,
    digest: '',
    first_us: T0 + 99 * second,
  },
);

describe.skipIf(chromiumPath === undefined)('crashes in a browser (needs chromium in /usr/bin)', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());
  const open = (api: TestApi, hash?: string) => openPage(browser, api, hash);
  const titles = (page: Page) => page.locator('#view .title').allTextContents();

  async function asksUntil(page: Page, isSo: () => Promise<boolean>): Promise<void> {
    const isSoNow = async () => {
      await page.clock.fastForward(10_000);
      return isSo();
    };
    await expect.poll(isSoNow, { timeout: 20_000, interval: 200 }).toBe(true);
  }
  const asksAgain = (page: Page, told: string) =>
    asksUntil(page, () => page.getByText(told).first().isVisible());

  test('are listed once each, by signature, and those that nobody has read apart', async () => {
    await using api = await startApi();
    api.database.commit({ hosts: [aHost('web-1')], crashes: [aCrash({}, whole), other, stall, unread] });
    const { page, complaints } = await open(api);
    await page.getByRole('link', { name: 'Crashes' }).click();
    await page.locator('#view .line').first().waitFor();
    expect(await titles(page)).toEqual(['kernel BUG in nvme_queue_rq', 'stall', 'heard from 192.0.2.77']);
    const facts = (row: number) =>
      page.locator('#view .facts').nth(row).locator('> span:not(:empty)').allTextContents();
    expect((await facts(0)).slice(0, 3)).toEqual([
      '2 crashes',
      'on web-1, web-2',
      '6.1.0-18-amd64 and 1 more',
    ]);
    expect((await facts(0)).slice(3)).toEqual([
      expect.stringMatching(/^last .* ago$/),
      expect.stringMatching(/^first .* ago$/),
    ]);
    expect((await facts(1)).slice(0, 2)).toEqual(['1 crash', 'on web-1']);
    expect(await page.locator('#view .badge:visible').allTextContents()).toEqual(['fatal', 'fatal']);
    expect(await page.locator('#views [aria-current]').textContent()).toBe('Crashes');
    expect(await page.locator('#open-title').isVisible()).toBe(false);
    await page.getByRole('link', { name: 'Incidents' }).click();
    await page.locator('#open-title:focus').waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('are followed as they come, and what has the focus keeps it', async () => {
    await using api = await startApi();
    await api.evidence.put(`crash/${digest}`, [log]);
    api.database.commit({ crashes: [aCrash({}, whole)] });
    const { page, complaints } = await open(api, '#crashes');
    await page.locator('#view .line').waitFor();
    expect(await page.title()).toBe('Netfall: Crashes 1');
    // From the heading, which has the focus: to the first row.
    await page.keyboard.press('Tab');
    api.database.commit({ crashes: [aCrash({}, whole), stall, other] });
    await asksAgain(page, '2 crashes');
    const focused = page.locator('#view .line:focus .title');
    expect(await focused.textContent()).toBe('kernel BUG in nvme_queue_rq');
    await page.keyboard.press('Enter');
    await page.locator('#view .crash-facts').waitFor();
    expect(page.url()).toMatch(/#crashes\/1%3A64a1643594c7e212$/);
    expect(await titles(page)).toEqual(['kernel BUG in nvme_queue_rq', 'web-2', 'web-1']);
    expect(await page.locator('.fact').first().locator('li').allTextContents()).toEqual([
      'web-1 1',
      'web-2 1',
    ]);
    expect(await page.locator('.fact').nth(2).locator('li').allTextContents()).toEqual([
      'GW: the kernel warned before all',
    ]);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator('.stack').waitFor();
    expect(page.url()).toMatch(/#crash\/c200-0$/);
    await page.goBack();
    await page.locator('#view .line').first().waitFor();
    await page.getByRole('link', { name: 'All crashes' }).click();
    await page.getByText('crashes that share a signature').waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('are shown with facts, stack and log: who is blamed, and what is missing', async () => {
    await using api = await startApi();
    await api.evidence.put(`crash/${digest}`, [log]);
    api.database.commit({ crashes: [aCrash({}, whole)] });
    const { page, complaints } = await open(api, '#crash/c100-0');
    await page.locator('.guilty-line').waitFor();
    expect(await page.title()).toBe('Netfall: kernel BUG in nvme_queue_rq');
    const fact = async (name: string) => page.locator('.fact', { hasText: name }).locator('dd').textContent();
    expect(await fact('Host')).toBe('web-1');
    expect(await fact('Process')).toBe('kworker/u8:2 (77) on CPU 0');
    expect(await fact('Taint')).toBe('GWthe kernel warned before');
    expect(await fact('When')).toMatch(/ago, 1 min after its boot$/);
    expect(await fact('Kind')).toBe('panic');
    expect(await fact('Also called')).toBe('bug in nvme_queue_rq');
    expect(await page.getByText('nvme nvme_core').isVisible()).toBe(false);
    await page.getByText('2 modules').click();
    expect(await page.locator('.modules p').textContent()).toBe('nvme nvme_core');
    expect(await fact('Signature')).toBe('1:64a1643594c7e212 of “bug in nvme_queue_rq”');

    const frames = await page.locator('.frame').allInnerTexts();
    expect(frames.map((text) => text.replace(/\s+/g, ' ').trim())).toEqual([
      '_raw_spin_lock+0x10 passed over: locking',
      'nvme_queue_rq+0x0 [nvme] blamed',
      'blk_mq_dispatch inlined',
      '? blk_mq_run+0x10',
    ]);
    expect(await page.locator('.frame.guilty code').first().textContent()).toContain('nvme_queue_rq');

    const lines = page.locator('.log-line');
    expect((await lines.allTextContents()).map((line) => line.trimEnd())).toEqual([
      ...before.slice(-20),
      ...first,
      '[... 300 bytes are missing here ...]',
      ...rest,
    ]);
    expect(await page.locator('.hole').allTextContents()).toEqual(['[... 300 bytes are missing here ...]\n']);
    expect(await page.locator('.guilty-line').textContent()).toBe(`${first[2]}\n`);
    expect(await lines.first().getAttribute('data-line')).toBe('41');
    await page.getByRole('button', { name: 'Show 40 lines before' }).click();
    expect(await lines.count()).toBe(before.length + first.length + 1 + rest.length);
    expect(await lines.first().textContent()).toBe(`${before[0]}\n`);
    expect(await page.locator('button.more:visible').count()).toBe(0);

    const save = page.getByRole('link', { name: 'Download' });
    expect(await save.getAttribute('download')).toBe('c100-0-netconsole.log');
    const { body } = await api.get((await save.getAttribute('href')) ?? '');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(body);
    await page.getByRole('button', { name: 'Go to the blamed frame' }).click();
    expect(await page.locator('.log-text:focus').count()).toBe(1);
    expect(complaints).toEqual([]);
    await page.close();
  });

  /** A log, in the evidence or not, and what a record tells of it. */
  async function aLog(api: TestApi, text: string, isThere = true): Promise<Partial<StoredRecord>> {
    const bytes = Buffer.from(text);
    const name = createHash('sha256').update(bytes).digest('hex');
    if (isThere) await api.evidence.put(`crash/${name}`, [bytes]);
    return { ...whole, digest: name, bytes: bytes.length, holes: [], reading: null };
  }
  const shownLog = (page: Page) => page.locator('.log-line').allTextContents();
  const choice = (page: Page) => page.locator('.tools select');
  const offers = (page: Page, label: string) =>
    asksUntil(page, async () => (await choice(page).locator('option').allTextContents()).includes(label));
  const logState = (page: Page, text: string) => page.locator('.log .state', { hasText: text }).waitFor();

  test('have the log of any record, once it is there', async () => {
    await using api = await startApi();
    const early = aCrash({}, { ...whole, digest: '', revision: 0, reading: null });
    api.database.commit({ crashes: [early] });
    const { page } = await open(api, '#crash/c100-0');
    await logState(page, 'It is not here yet: it follows once nothing more of it comes.');
    expect(await page.locator('.tools > *:visible').count()).toBe(0);
    await api.evidence.put(`crash/${digest}`, [log]);
    const part = { ...(await aLog(api, 'one\ntwo\n', false)), record: 'p', source: 'pstore' };
    const both = aCrash({ version: 2 }, { ...whole, complete: true }, part);
    api.database.commit({ crashes: [both] });
    await asksAgain(page, 'blk_mq_dispatch');
    expect(await choice(page).locator('option:checked').textContent()).toBe('netconsole on relay');
    await choice(page).selectOption({ label: 'pstore on relay' });
    await logState(page, 'It cannot be shown');
    // Nothing of the other record's is left.
    expect(await shownLog(page)).toEqual([]);
    expect(await page.locator('.tools button:visible, .tools a:visible').count()).toBe(0);
    // Asked again, it is not announced again.
    await page.evaluate(`
      announced = [];
      const state = document.querySelector('.log .state');
      new MutationObserver(() => announced.push(state.textContent)).observe(state, { childList: true });
    `);
    const asked = page.waitForResponse(/\/log\?record=1/);
    await page.clock.fastForward(10_000);
    await (await asked).finished();
    expect(await page.evaluate('announced')).toEqual([]);
    await aLog(api, 'one\ntwo\n');
    await asksAgain(page, 'two');
    expect(await shownLog(page)).toEqual(['one\n', 'two\n']);
    expect(await page.locator('.guilty-line').count()).toBe(0);
    expect(await page.getByRole('link', { name: 'Download' }).getAttribute('href')).toMatch(/record=1$/);
    // The first record leaves: the chosen one stays, at another place.
    api.database.commit({
      crashes: [aCrash({ version: 3 }, part, { ...part, record: 'q', source: 'kmsg' })],
    });
    await offers(page, 'kmsg on relay');
    expect(await choice(page).locator('option:checked').textContent()).toBe('pstore on relay');
    expect(await page.getByRole('link', { name: 'Download' }).getAttribute('href')).toMatch(/record=0$/);
    await page.close();
  });

  test('have the log that was read, else the best, and the newest report of it', async () => {
    await using api = await startApi();
    const heard = await aLog(api, 'heard\n');
    const kept = { ...(await aLog(api, 'kept\n')), record: 'p', source: 'pstore', complete: true };
    api.database.commit({ crashes: [aCrash({}, heard)] });
    const { page } = await open(api, '#crash/c100-0');
    await page.getByText('heard', { exact: true }).waitFor();
    // Better than what is shown, and nobody has chosen: it takes its place.
    api.database.commit({ crashes: [aCrash({ version: 2 }, heard, kept)] });
    await asksAgain(page, 'kept');
    expect(await choice(page).locator('option:checked').textContent()).toBe('pstore on relay');
    api.database.commit({ crashes: [aCrash({ version: 3 }, heard, kept)] });
    await choice(page).selectOption({ label: 'netconsole on relay' });
    await page.getByText('heard', { exact: true }).waitFor();
    // The same bytes, of which more is known.
    const again = { ...heard, revision: 3, holes: [{ at: 6, bytes: 7, exact: true }] };
    api.database.commit({ crashes: [aCrash({ version: 4 }, again, kept)] });
    await asksAgain(page, '7 bytes are missing');
    // Two records of the same bytes.
    const twin = { ...again, record: 'o', source: 'netoops', holes: [{ at: 0, bytes: 5, exact: true }] };
    api.database.commit({ crashes: [aCrash({ version: 5 }, again, kept, twin)] });
    await offers(page, 'netoops on relay');
    await choice(page).selectOption({ label: 'netoops on relay' });
    await page.getByText('5 bytes are missing').waitFor();
    await page.close();
  });

  test('say by their kind whether a kernel lives on, and which are not to be trusted', async () => {
    await using api = await startApi();
    const corrupted = aReading({ corrupted: 'it is cut short', type: 'hung-task' });
    const kinds = ['panic', 'hung task', '', 'of another release'];
    const crashes = kinds.map((kind, i) =>
      aCrash({ id: `c${900 - i}-0` }, { ...whole, kind, first_us: T0 - i, reading: corrupted }),
    );
    const unknown = aReading({ signature: '1:00000000000000cc', title: 'newer', type: 'constructor' });
    api.database.commit({
      crashes: [...crashes, aCrash({ id: 'c1-0' }, { ...whole, first_us: 1, reading: unknown })],
    });
    const { page } = await open(api, '#crashes');
    await page.locator('#view .line').first().waitFor();
    const doubts = () => page.locator('#view .doubtful:not(:empty)').allTextContents();
    expect(await doubts()).toEqual(['not to be trusted']);
    expect(await page.locator('#view .line').last().locator('.badge:visible').textContent()).toBe('fatal');
    await page.locator('#view .line').first().click();
    await page.locator('.crash-facts').waitFor();
    expect(await page.locator('#view .notice').textContent()).toBe(
      'No report of these is to be trusted, so they need not be of one bug.',
    );
    expect(await doubts()).toEqual(Array(4).fill('not to be trusted'));
    const badges = page.locator('#view .badge:visible');
    expect(await badges.allTextContents()).toEqual(['panic', 'hung task', 'of another release']);
    expect(
      await page
        .locator('#view li.incident')
        .evaluateAll((rows) => rows.map((row) => row.dataset['severity'])),
    ).toEqual(['critical', 'warning', '', 'critical']);
    await page.locator('#view .line').first().click();
    await page.getByText('The report is not to be trusted: it is cut short.').waitFor();
    await page.close();
  });

  test('are not asked for while nobody looks', async () => {
    await using api = await startApi();
    api.database.commit({ crashes: [aCrash({}, whole)] });
    const { page } = await open(api, '#crashes');
    await page.locator('#view .line').waitFor();
    const turn = (isHidden: boolean) =>
      page.evaluate(`
        Object.defineProperty(document, 'hidden', { configurable: true, value: ${isHidden} });
        document.dispatchEvent(new Event('visibilitychange'));
      `);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    const isCrashes = (path: string) => path.startsWith('/api/v1/crashes');
    await turn(true);
    await page.clock.fastForward(30_000);
    // What would have been asked stands before this in the page's requests.
    await page.evaluate("fetch('/last')");
    expect(asked.filter(isCrashes)).toEqual([]);
    expect(asked).toContain('/last');
    const again = page.waitForRequest((request) => isCrashes(new URL(request.url()).pathname));
    await turn(false);
    await again;
    await page.close();
  });

  test('keep what is selected while nothing changes, and are gone when they are forgotten', async () => {
    await using api = await startApi();
    const many = Array.from({ length: 101 }, (_, i) =>
      aCrash({ id: `c${500 + i}-0` }, { ...whole, first_us: T0 - i }),
    );
    api.database.commit({ crashes: many });
    const { page } = await open(api, '#crashes/1:64a1643594c7e212');
    await page
      .getByText('The 100 newest. More: netfall crashes list --signature 1:64a1643594c7e212')
      .waitFor();
    const selected = () => page.evaluate('getSelection().toString()');
    await page.evaluate("getSelection().selectAllChildren(document.querySelector('.crash-facts code'))");
    expect(await selected()).toBe('1:64a1643594c7e212');
    api.database.commit({ crashes: [{ ...many[0]!, version: 2, hostname: 'renamed' }] });
    await asksAgain(page, 'renamed');
    expect(await selected()).toBe('1:64a1643594c7e212');
    const other = { ...whole, reading: aReading({ signature: '1:00000000000000bb' }) };
    api.database.commit({ crashes: many.map(({ id }) => aCrash({ id, version: 3 }, other)) });
    await asksAgain(page, 'No crash that is kept has the signature 1:64a1643594c7e212.');
    expect(await titles(page)).toEqual(['Crashes']);
    expect(await page.locator('.crash-facts').isVisible()).toBe(false);
    await page.close();
  });

  test('what hosts say is text', async () => {
    await using api = await startApi();
    const hostile = '<img src=x onerror=alert(1)>';
    const frame = {
      function: hostile,
      offset: 1,
      module: hostile,
      reliable: true,
      inline: false,
      passed: hostile,
    };
    const reading = aReading({
      ...{
        title: hostile,
        type: hostile,
        bug: hostile,
        corrupted: hostile,
        place: hostile,
      },
      ...{ frames: [frame], guilty: 0, process: hostile, taint: hostile },
    });
    await api.evidence.put(`crash/${digest}`, [log]);
    const crashed = { host_id: 'web-1', hostname: hostile, kernel: hostile, hardware: hostile };
    const said = { kernel: hostile, hardware: hostile, line: hostile, source: hostile, hostname: hostile };
    api.database.commit({ crashes: [aCrash({}, { ...whole, ...said, reading, crashed, holders: [] })] });
    const { page, complaints } = await open(api, '#crashes');
    await page.locator('#view .line').click();
    await page.locator('#view .line').last().waitFor();
    await page.locator('#view .line').last().click();
    await page.locator('.log-line').first().waitFor();
    expect(await page.locator('.frame code').first().textContent()).toBe(`${hostile}+0x1`);
    expect(await page.locator('#view img').count()).toBe(0);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('that are not there are said to be so, and so is a collector that is gone', async () => {
    const api = await startApi();
    const { page } = await open(api, '#crashes');
    await page.getByText('No crashes.').waitFor();
    await page.goto(`${api.api.url}/#crash/c1-0`);
    await page.getByText('This cannot be shown: there is no crash c1-0').waitFor();
    expect(await page.locator('.log').isVisible()).toBe(false);
    await page.goto(`${api.api.url}/#crash/a%20b`);
    await page.getByText('This cannot be shown: there is no crash a b.').waitFor();
    await page.goto(`${api.api.url}/#crashes/nothing`);
    await page.getByText('This cannot be shown: no crash that is kept has the signature nothing.').waitFor();
    await page.goto(`${api.api.url}/#crash/`);
    await page.getByText('No crashes.').waitFor();
    await page.goto(`${api.api.url}/#crashes/1:0000000000000000`);
    await page.getByText('No crash that is kept has the signature 1:0000000000000000.').waitFor();
    await page.goto(`${api.api.url}/#crashes`);
    await page.getByText('No crashes.').waitFor();
    await api[Symbol.asyncDispose]();
    await asksAgain(page, 'What is shown may be old: the collector does not answer.');
    await page.close();
  });
});
