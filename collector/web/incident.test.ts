import { explain } from '@netfall/catalog/explain';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anIncident, anIncidentSample, startApi, T0, type TestApi } from '../api/testing.ts';
import {
  aConsequence,
  aCrashIncident,
  anAffectedHost,
  anExplainedIncident,
  attribute,
} from '../api/testing-incidents.ts';
import { sentenceOf } from '../fold/words.ts';
import { chromiumPath, launchChromium, openPage } from './testing.ts';

describe.skipIf(chromiumPath === undefined)('an incident in a browser (needs chromium in /usr/bin)', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());

  /** Shows incidents, the first one on its own page. */
  async function show(api: TestApi, ...incidents: ReturnType<typeof anIncident>[]) {
    api.database.commit({ incidents });
    const opened = await openPage(browser, api, `#incident/${incidents[0]?.id}`);
    await opened.page.locator('#view .sentence:not(:empty)').waitFor();
    return opened;
  }
  const plain = (texts: string[]) => texts.map((text) => text.replaceAll('\u00a0', ' '));
  const texts = async (page: Page, of: string) => plain(await page.locator(of).allTextContents());
  const fact = async (page: Page, name: string) => {
    const exactly = page.getByText(name, { exact: true });
    const found = await page.locator('.fact', { has: exactly }).locator('dd').textContent();
    return (found ?? '').replaceAll('\u00a0', ' ');
  };

  test('says what is wrong, what its hosts have in common against all others, and what to look at', async () => {
    await using api = await startApi();
    const { page, complaints } = await show(api, anExplainedIncident());
    expect(await page.title()).toBe(
      'Netfall: 38 of 40 hosts in rack r12 drop NEIGH_FAILED in neigh_timer_handler',
    );
    expect(await texts(page, '#view .badge, #view .marks > *')).toEqual([
      'critical',
      'acknowledged by alice',
    ]);
    expect(await page.locator('.sentence').textContent()).toBe(sentenceOf(anExplainedIncident()));
    expect(await texts(page, '.next-check p')).toEqual([
      'Look at edge-07, in rack r12 but not with nic mlx5_core on kernel 6.12.9: trouble there speaks for rack r12, none for nic mlx5_core with kernel 6.12.9.',
    ]);
    expect(await texts(page, '.share-name')).toEqual([
      'rack r12',
      'all other hosts',
      'nic mlx5_corekernel 6.12.9',
    ]);
    expect(await texts(page, '.share-count')).toEqual(['38 of 40', '1 of 3 960', '37 of 52']);
    expect(await texts(page, '.share-percent')).toEqual(['95 %', '0.03 %', '71.15 %']);
    const widths = await page.locator('.share-bar').evaluateAll((bars) => {
      return bars.map((bar) => (bar as unknown as { style: CSSStyle }).style.getPropertyValue('--share'));
    });
    expect(widths).toEqual(['95%', '0.5%', `${(100 * 37) / 52}%`]);
    expect(await texts(page, '.numbers span')).toEqual([
      '97.44 % of all affected hosts',
      '97× the fleet’s rate',
      '2 479× the others’',
    ]);
    expect(await texts(page, '.names .items')).toEqual([
      'gateway_mac 02:00:00:00:00:0c',
      'subnet 10.12.0.0/24',
    ]);
    expect((await texts(page, '.explanation .hint')).slice(2)).toEqual([
      'edge-07 edge-19 have rack r12, not nic mlx5_core + kernel 6.12.9.',
      'db-1 db-2 have nic mlx5_core + kernel 6.12.9, not rack r12.',
      'It does not explain 1 host: db-7.',
    ]);
    expect(await fact(page, 'Hosts')).toBe('38 of 4 000 in the fleet');
    expect(await fact(page, 'Changes before it')).toBe('switch tor-12 to firmware 4.2, 11 min before');
    expect(await fact(page, 'Acknowledged')).toMatch(/^by alice, .* ago: on my way to the rack$/);
    expect(await texts(page, '.history .step > span')).toEqual([
      'acknowledged by aliceon my way to the rack',
      'joinededge-33.fra1.example.net',
      'firedby edge-00.fra1.example.net, edge-01.fra1.example.net, edge-02.fra1.example.net and 30 more',
    ]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('claims nothing where nothing explains it', async () => {
    await using api = await startApi();
    const { page, complaints } = await show(api, anIncident());
    expect(await page.locator('.explanation, .next-check, .packets').count()).toBe(0);
    expect(await texts(page, '.symptom-name')).toEqual(['NO_SOCKET in __udp4_lib_rcv']);
    expect(await page.locator('.filter').isVisible()).toBe(false);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('finds hosts by their names, the worst first', async () => {
    await using api = await startApi();
    const { page, complaints } = await show(api, anExplainedIncident({ hosts_total: 41 }));
    const names = () => texts(page, '.hosts-table tbody th');
    expect(await names()).toHaveLength(20);
    expect((await names())[0]).toBe('edge-00.fra1.example.net');
    await page.getByRole('button', { name: 'Show 18 more' }).click();
    // The one that is well by now is the last.
    expect((await names()).at(-1)).toBe('edge-36.fra1.example.net');
    expect(await texts(page, '.hosts-table > .hint')).toEqual(['3 hosts are not listed.']);
    await page.getByRole('searchbox').fill('EDGE-3');
    expect(await names()).toEqual([30, 31, 32, 33, 34, 35, 37, 36].map((n) => `edge-${n}.fra1.example.net`));
    // What was typed stays while the incident changes.
    const hosts = [30, 31, 7].map((n) => anAffectedHost(n));
    const many = [...hosts, ...Array.from({ length: 9 }, (_, n) => anAffectedHost(40 + n))];
    api.database.commit({ incidents: [anExplainedIncident({ version: 10, hosts: many, title: 'changed' })] });
    await page.locator('#view').getByText('changed', { exact: true }).waitFor();
    expect(await names()).toEqual(['edge-30.fra1.example.net', 'edge-31.fra1.example.net']);
    await page.getByRole('searchbox').fill('nobody');
    expect(await texts(page, '.hosts-table > .hint')).toEqual([
      'No host that is listed has that in its name. 26 hosts are not listed.',
    ]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('began on the first host that was not in trouble before', async () => {
    await using api = await startApi();
    const incident = anExplainedIncident();
    const [first, second] = incident.hosts as [(typeof incident.hosts)[0], (typeof incident.hosts)[0]];
    const early = { ...first, hostname: 'early', first_us: incident.started_us - 1 };
    const began = { ...second, hostname: 'edge-1', first_us: incident.started_us };
    const { page, complaints } = await show(api, { ...incident, hosts: [early, began] });
    expect(await fact(page, 'Began')).toMatch(/, first on edge-1$/);
    expect(complaints).toEqual([]);
  });

  test('leads to crashes, causes and consequences, and says which was first only where that is known', async () => {
    await using api = await startApi();
    const { page, complaints } = await show(api, aCrashIncident(), aConsequence());
    expect(await texts(page, '#view .marks > *')).toEqual(['in maintenance', 'crash loop', 'regression']);
    expect(await fact(page, 'New on')).toMatch(/^kernel 6\.12\.9, since /);
    expect(await fact(page, 'Crash again and again')).toBe('web-1');
    expect(await fact(page, 'Came too late')).toBe('2 reports');
    expect(await fact(page, 'Nobody is told')).toBe('by maintenance s77-0');
    const crashes = page.locator('.fact', { hasText: 'Crashes' }).locator('a');
    expect(await crashes.getAttribute('href')).toBe('#crashes/1%3A0000000000000001');
    expect(await page.locator('a.symptom-name').getAttribute('href')).toBe('#crashes/1%3A0000000000000001');
    expect(await texts(page, '.hosts-table thead th')).toEqual(['Host', 'Crashes', 'Last']);
    expect(await texts(page, '.hosts-table tbody td.number')).toEqual(['4', '1']);
    await page.goto(`${api.api.url}/#incident/i4210-0`);
    await page.getByText('It is a consequence').waitFor();
    expect(await fact(page, 'Comes of')).toBe(
      'i4200-0, the packets were for web-1.fra1.example.net, which began 12 s ± 2.4 s before',
    );
    api.database.commit({ incidents: [{ ...aConsequence('concurrent'), version: 2 }] });
    await page.getByText('nobody can tell').waitFor();
    expect(await fact(page, 'Comes of')).toBe(
      'i4200-0, the packets were for web-1.fra1.example.net, concurrent: 1.3 s ± 2.4 s apart, so that nobody can tell which was first',
    );
    await page.locator('.fact a').first().click();
    await page.getByText('Crash again and again').waitFor();
    expect(page.url()).toMatch(/#incident\/i4200-0$/);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('shows likely causes of each symptom, and keeps what is folded out through changes', async () => {
    await using api = await startApi();
    const { page, complaints } = await show(api, anExplainedIncident());
    const known = explain('NEIGH_FAILED')?.causes ?? [];
    await page.locator('.cause').first().waitFor();
    expect(await page.locator('.cause-line').allTextContents()).toEqual(known.map(({ cause }) => cause));
    expect(await page.locator('.mend').allTextContents()).toEqual(known.map(({ mend }) => `Mend: ${mend}`));
    const shown = () =>
      page.locator('.remedy').evaluateAll((all) => all.map((each) => each.checkVisibility()));
    expect(await shown()).toEqual(known.map((_, i) => i === 0));
    await page.locator('.cause-line').nth(1).click();
    await page.locator('.cause-line').nth(0).click();
    api.database.commit({ incidents: [anExplainedIncident({ version: 10, title: 'changed' })] });
    await page.locator('#view').getByText('changed', { exact: true }).waitFor();
    expect(await shown()).toEqual(known.map((_, i) => i === 1));
    await page.locator('.symptom-name').nth(1).click();
    await page.getByText('netfall explain rx_missed_errors').waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('shows packets that were dropped, the innermost flow first', async () => {
    await using api = await startApi();
    const [flow] = anIncidentSample().flows;
    const outer = { ...flow!, protocol: 'VXLAN', source_port: 0, destination_port: 0, tunnel_id: 42 };
    const inner = { ...flow!, source: '2001:db8::1', destination: '::1', protocol: 'TCP', detail: 'SYN' };
    const samples = [
      anIncidentSample(),
      anIncidentSample({ hostname: 'web-2', namespace: '', length: 1514, flows: [outer, inner] }),
      anIncidentSample({ hostname: 'web-3', interface: '', namespace: '', flows: [] }),
    ];
    const { page, complaints } = await show(api, anIncident({ samples }));
    const shown = page.locator('.packet');
    const flows = (await shown.all()).map((packet) => packet.locator('.flow').allTextContents());
    expect(await Promise.all(flows)).toEqual([
      ['10.1.2.3:51514 → 10.9.0.4:8125 UDP'],
      ['[2001:db8::1]:51514 → [::1]:8125 TCP SYN', 'in 10.1.2.3 → 10.9.0.4 VXLAN 42'],
      [],
    ]);
    const places = (await shown.all()).map((packet) => packet.locator('.facts > span').allTextContents());
    expect((await Promise.all(places)).map(plain)).toEqual([
      ['web-1', 'eth0', 'pod shop/web-1', '70 bytes'],
      ['web-2', 'eth0', '1 514 bytes'],
      ['web-3', '70 bytes'],
    ]);
    expect(await shown.locator('time').first().getAttribute('datetime')).toBe('2026-03-01T10:00:04.000Z');
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('what hosts and people write is text', async () => {
    await using api = await startApi();
    const hostile = '<img src=x onerror=alert(1)>';
    const items = [attribute(hostile, hostile)];
    const { explanation } = anExplainedIncident();
    const incident = anExplainedIncident({
      title: hostile,
      signal: { kind: 'crash', signature: '', title: hostile },
      symptoms: [
        { signal: { kind: 'counter', counter: hostile }, severity: 'info', first_us: T0, hosts_total: 1 },
      ],
      hosts: [anAffectedHost(1, { hostname: hostile })],
      explanation: {
        ...explanation!,
        items,
        equivalents: [items],
        rivals: [{ items, covered: 1, affected: 1, without: [hostile], beyond: [hostile] }],
      },
      unexplained: { total: 2, hosts: [hostile] },
      changes: [{ id: hostile, summary: hostile, at_us: T0 }],
      loops: [hostile],
      samples: [anIncidentSample({ hostname: hostile, namespace: hostile, interface: hostile })],
      audit: [{ at_us: T0, event: hostile, by: hostile, detail: hostile }],
      ...{ fingerprint: hostile, regression_of: 'javascript:alert(1)', runbook: 'javascript:alert(1)' },
      acknowledged: { by: hostile, at_us: T0, comment: hostile },
    });
    const { page, complaints } = await show(api, incident);
    expect(await page.locator('#view h2').textContent()).toBe(hostile);
    expect(await texts(page, '.hosts-table tbody th')).toEqual([hostile]);
    expect(await page.locator('#view img').count()).toBe(0);
    const targets = await page
      .locator('.fact a')
      .evaluateAll((all) => all.map((link) => link.getAttribute('href')));
    expect(targets).toEqual(['#incident/i4110-0', '#crashes', '#incident/javascript%3Aalert(1)']);
    // What the catalog does not have is refused, and the page says so.
    expect(complaints.filter((line) => !line.includes('404'))).toEqual([]);
    await page.close();
  });

  test('is found by the address of earlier messages, and says when it is not there', async () => {
    await using api = await startApi();
    api.database.commit({ incidents: [anIncident()] });
    const { page } = await openPage(browser, api, '#i100-0');
    await page.locator('#view .sentence:not(:empty)').waitFor();
    await page.goto(`${api.api.url}/#incident/i7-0`);
    await page.getByText('This cannot be shown: there is no incident i7-0').waitFor();
    await page.goto(`${api.api.url}/#incident/a%20b`);
    await page.getByText('This cannot be shown: there is no incident a b.').waitFor();
    await page.close();
  });
});

/** As much of a style as the tests ask for. */
interface CSSStyle {
  getPropertyValue(name: string): string;
}
