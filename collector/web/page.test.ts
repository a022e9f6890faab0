import { explain } from '@netfall/catalog/explain';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  aHost,
  anIncident,
  anIncidentSample,
  aShownIncident,
  startApi,
  T0,
  type TestApi,
} from '../api/testing.ts';
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

  test('shows a change as it comes, and keeps open what was opened', async () => {
    await using api = await startApi();
    api.database.commit({ hosts: [aHost('web-1')], incidents: [anIncident()] });
    const { page, complaints } = await open(api);
    // By keyboard: to the ledger, to the incident, open.
    await page.locator('#open .line').waitFor();
    await page.locator('#ledger .ledger-head').focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator('#open tbody tr').waitFor();
    const second = { ...anIncident().hosts[0]!, host_id: 'web-2', hostname: 'web-2', peak_rate: 5000 };
    api.database.commit({
      incidents: [
        anIncident({ version: 2, title: 'now on two', hosts: [anIncident().hosts[0]!, second] }),
        anIncident({ id: 'i200-0', title: 'another', severity: 'critical' }),
      ],
    });
    await page.getByText('another', { exact: true }).waitFor();
    expect(await titles(page, '#open')).toEqual(['another', 'now on two']);
    expect(await page.locator('#i100-0 tbody th').allTextContents()).toEqual(['web-2', 'web-1']);
    expect(await page.locator('details:has(> summary:focus)').getAttribute('id')).toBe('i100-0');
    // An older copy, as another replica may send it, changes nothing.
    api.database.commit({ incidents: [anIncident({ version: 1, title: 'old' })] });
    api.database.commit({
      incidents: [anIncident({ id: 'i200-0', version: 2, state: 'resolved', resolved_us: T0 + 9_000_000 })],
    });
    await page.locator('#resolved #i200-0').waitFor();
    expect(await titles(page, '#open')).toEqual(['now on two']);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('says what the reason means, and where and when it began', async () => {
    await using api = await startApi();
    const [host] = anIncident().hosts;
    const hosts = [
      { ...host!, host_id: 'web-1', hostname: 'web-1', first_us: T0 + 2_000_000 },
      { ...host!, host_id: 'web-2', hostname: 'web-2' },
    ];
    api.database.commit({ hosts: [aHost('web-1')], incidents: [anIncident({ hosts, hosts_total: 2 })] });
    const { page } = await open(api, '#i100-0');
    await page.getByText('first on web-2.', { exact: true }).waitFor();
    expect(await page.locator('.meaning').textContent()).toBe(aShownIncident().meaning);
    expect(await page.locator('.beginning time').getAttribute('datetime')).toBe('2026-03-01T10:00:00.000Z');
    await page.close();
  });

  test('shows likely causes, the likeliest folded out, and keeps what is open through changes', async () => {
    await using api = await startApi();
    const signal = { kind: 'drop', reason: 'SOCKET_RCVBUFF', function: 'udp_queue_rcv_one_skb' } as const;
    api.database.commit({ hosts: [aHost('web-1')], incidents: [anIncident({ signal })] });
    const { page, complaints } = await open(api, '#i100-0');
    const entry = explain('SOCKET_RCVBUFF');
    const known = entry?.causes ?? [];
    await page.locator('#i100-0 .cause').first().waitFor();
    expect(await page.locator('.cause-line').allTextContents()).toEqual(known.map(({ cause }) => cause));
    expect(await page.locator('.run').allTextContents()).toEqual(
      known.flatMap(({ tell }) => tell.map(({ run }) => run)),
    );
    expect(await page.locator('.mend').allTextContents()).toEqual(known.map(({ mend }) => `Mend: ${mend}`));
    const shown = () =>
      page.locator('.remedy').evaluateAll((all) => all.map((each) => each.checkVisibility()));
    expect(await shown()).toEqual(known.map((_, i) => i === 0));
    await page.locator('.cause-line').nth(1).click();
    await page.locator('.cause-line').nth(0).click();
    api.database.commit({ incidents: [anIncident({ signal, version: 2, title: 'changed' })] });
    await page.getByText('changed').waitFor();
    expect(await shown()).toEqual(known.map((_, i) => i === 1));
    expect(await page.locator('.causes .hint').textContent()).toBe(
      'More in a terminal: netfall explain SOCKET_RCVBUFF',
    );
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('shows no causes where the catalog has none, and asks for nothing that it does not have', async () => {
    await using api = await startApi();
    const of = (reason: string) => ({ kind: 'drop', reason, function: 'f' }) as const;
    api.database.commit({
      hosts: [aHost('web-1')],
      incidents: [
        anIncident({ signal: of('TCP_OLD_DATA') }),
        anIncident({ id: 'i101-0', signal: of('A_NEW_KERNELS') }),
      ],
    });
    const { page, complaints } = await open(api, '#i100-0');
    await page.locator('#i100-0 .causes .hint').waitFor();
    expect(await page.locator('#i100-0 .causes h3').count()).toBe(0);
    await page.locator('#i101-0 .line').click();
    await page.locator('#i101-0 tbody tr').waitFor();
    expect(await page.locator('#i101-0 .causes').isVisible()).toBe(false);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('shows packets that were dropped, the innermost flow first, and none where there are none', async () => {
    await using api = await startApi();
    const [flow] = anIncidentSample().flows;
    const outer = { ...flow!, protocol: 'VXLAN', source_port: 0, destination_port: 0, tunnel_id: 42 };
    const inner = { ...flow!, source: '2001:db8::1', destination: '::1', protocol: 'TCP', detail: 'SYN' };
    const samples = [
      anIncidentSample(),
      anIncidentSample({ hostname: 'web-2', namespace: '', length: 1514, flows: [outer, inner] }),
      anIncidentSample({ hostname: 'web-3', interface: '', namespace: '', flows: [] }),
    ];
    api.database.commit({
      hosts: [aHost('web-1')],
      incidents: [anIncident({ samples }), anIncident({ id: 'i101-0' })],
    });
    const { page, complaints } = await open(api, '#i100-0');
    const shown = page.locator('#i100-0 .packet');
    await shown.first().waitFor();
    const flows = (await shown.all()).map((packet) => packet.locator('.flow').allTextContents());
    expect(await Promise.all(flows)).toEqual([
      ['10.1.2.3:51514 → 10.9.0.4:8125 UDP'],
      ['[2001:db8::1]:51514 → [::1]:8125 TCP SYN', 'in 10.1.2.3 → 10.9.0.4 VXLAN 42'],
      [],
    ]);
    const places = (await shown.all()).map((packet) => packet.locator('.facts > span').allTextContents());
    expect(await Promise.all(places)).toEqual([
      ['web-1', 'eth0', 'pod shop/web-1', '70 bytes'],
      ['web-2', 'eth0', '1,514 bytes'],
      ['web-3', '70 bytes'],
    ]);
    const times = shown.locator('time');
    expect(await times.count()).toBe(3);
    expect(await times.first().getAttribute('datetime')).toBe('2026-03-01T10:00:04.000Z');
    await page.locator('#i101-0 .line').click();
    await page.locator('#i101-0 tbody tr').waitFor();
    expect(await page.locator('#i101-0 .packets').count()).toBe(0);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('what hosts call themselves is text', async () => {
    await using api = await startApi();
    const hostile = '<img src=x onerror=alert(1)>';
    const host = { ...anIncident().hosts[0]!, hostname: hostile };
    api.database.commit({
      hosts: [aHost('web-1')],
      incidents: [
        anIncident({
          title: hostile,
          signal: { kind: 'drop', reason: hostile, function: hostile },
          hosts: [host],
          samples: [anIncidentSample({ hostname: hostile, namespace: hostile, interface: hostile })],
          audit: [{ at_us: T0, event: hostile, by: hostile, detail: hostile }],
          fingerprint: hostile,
          regression_of: 'javascript:alert(1)',
        }),
      ],
    });
    const { page, complaints } = await open(api, '#i100-0');
    // The link to the incident has opened it.
    await page.locator('#i100-0 tbody tr').waitFor();
    expect(await titles(page, '#open')).toEqual([hostile]);
    expect(await page.locator('tbody th').allTextContents()).toEqual([hostile]);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.locator('.ids a').getAttribute('href')).toBe('#javascript%3Aalert(1)');
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
