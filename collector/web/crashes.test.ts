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
  const titles = (page: Page) => page.locator('#crashes .title').allTextContents();

  async function asksAgain(page: Page, told: string): Promise<void> {
    const isTold = async () => {
      await page.clock.fastForward(10_000);
      return page.getByText(told).first().isVisible();
    };
    await expect.poll(isTold, { timeout: 20_000, interval: 200 }).toBe(true);
  }

  test('are listed once each, by signature, and those that nobody has read apart', async () => {
    await using api = await startApi();
    api.database.commit({ hosts: [aHost('web-1')], crashes: [aCrash({}, whole), other, stall, unread] });
    const { page, complaints } = await open(api);
    await page.getByRole('link', { name: 'Crashes' }).click();
    await page.locator('#crashes .line').first().waitFor();
    expect(await titles(page)).toEqual(['kernel BUG in nvme_queue_rq', 'stall', 'heard from 192.0.2.77']);
    const facts = (row: number) =>
      page.locator('#crashes .facts').nth(row).locator('> span').allTextContents();
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
    expect(await page.locator('#crashes .badge:visible').allTextContents()).toEqual(['fatal', 'survived']);
    expect(await page.locator('#views [aria-current]').textContent()).toBe('Crashes');
    expect(await page.locator('#open-title').isVisible()).toBe(false);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('are followed as they come, and what has the focus keeps it', async () => {
    await using api = await startApi();
    await api.evidence.put(`crash/${digest}`, [log]);
    api.database.commit({ crashes: [aCrash({}, whole)] });
    const { page, complaints } = await open(api, '#crashes');
    await page.locator('#crashes .line').waitFor();
    expect(await page.title()).toBe('Netfall: Crashes 1');
    // From the heading, which has the focus: to the first row.
    await page.keyboard.press('Tab');
    api.database.commit({ crashes: [aCrash({}, whole), stall, other] });
    await asksAgain(page, '2 crashes');
    const focused = page.locator('#crashes .line:focus .title');
    expect(await focused.textContent()).toBe('kernel BUG in nvme_queue_rq');
    await page.keyboard.press('Enter');
    await page.locator('#crashes .crash-facts').waitFor();
    expect(page.url()).toMatch(/#crashes\/1%3A00000000000000aa$/);
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
    await page.locator('#crashes .line').first().waitFor();
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
    expect(await fact('Signature')).toBe('1:00000000000000aa of “bug in nvme_queue_rq”');

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

  test('have the log of any record, once it is there', async () => {
    await using api = await startApi();
    const early = aCrash({}, { ...whole, digest: '', revision: 0, reading: null });
    api.database.commit({ crashes: [early] });
    const { page } = await open(api, '#crash/c100-0');
    await page.getByText('It is not here yet: it follows once nothing more of it comes.').waitFor();
    await api.evidence.put(`crash/${digest}`, [log]);
    const short = Buffer.from('one\ntwo\n');
    const shortDigest = createHash('sha256').update(short).digest('hex');
    const part = { record: 'p', source: 'pstore', digest: shortDigest, bytes: short.length, holes: [] };
    api.database.commit({
      crashes: [aCrash({ version: 2 }, { ...whole, complete: true }, { ...whole, ...part })],
    });
    await asksAgain(page, 'blk_mq_dispatch');
    await page.locator('.tools select').selectOption({ label: 'pstore on relay' });
    await page.locator('.log .state', { hasText: 'It cannot be shown' }).waitFor();
    await api.evidence.put(`crash/${shortDigest}`, [short]);
    await asksAgain(page, 'two');
    expect(await page.locator('.log-line').allTextContents()).toEqual(['one\n', 'two\n']);
    expect(await page.locator('.guilty-line').count()).toBe(0);
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
    await page.locator('#crashes .line').click();
    await page.locator('#crashes .line').last().waitFor();
    await page.locator('#crashes .line').last().click();
    await page.locator('.log-line').first().waitFor();
    expect(await page.locator('.frame code').first().textContent()).toBe(`${hostile}+0x1`);
    expect(await page.locator('#crashes img').count()).toBe(0);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('that are not there are said to be so, and so is a collector that is gone', async () => {
    const api = await startApi();
    const { page } = await open(api, '#crashes');
    await page.getByText('No crashes.').waitFor();
    await page.goto(`${api.api.url}/#crash/c1-0`);
    await page.getByText('This cannot be shown: there is no crash c1-0').waitFor();
    await page.goto(`${api.api.url}/#crashes/1:0000000000000000`);
    await page.getByText('No crash that is kept has the signature 1:0000000000000000.').waitFor();
    await page.goto(`${api.api.url}/#crashes`);
    await page.getByText('No crashes.').waitFor();
    await api[Symbol.asyncDispose]();
    await asksAgain(page, 'What is shown may be old: the collector does not answer.');
    await page.close();
  });
});
