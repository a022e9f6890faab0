import type { HostView, IncidentView } from '@netfall/collector';
import { expect, it } from 'vitest';
import { aFlow } from '../testing/samples.ts';
import { hostList } from './hosts.ts';
import { incidentList, incidentPage } from './incidents.ts';

const second = 1_000_000;
const now = Date.UTC(2026, 0, 2, 3, 4, 5) * 1000;
const paper = { width: 80, colour: false };

const rate = { events: 913, peak_rate: 80, baseline_rate: 0, crashes: 0 };
const quiet: IncidentView = {
  id: 'i1290-0',
  fingerprint: 'drop/NEIGH_FAILED/neigh_timer_handler@fleet',
  version: 3,
  state: 'resolved',
  severity: 'warning',
  title: 'tor-12-01.example.net drops NEIGH_FAILED in neigh_timer_handler',
  sentence:
    'tor-12-01.example.net dropped NEIGH_FAILED in neigh_timer_handler on 2026-01-02 from 03:02:30 to 03:03:00 UTC.',
  next_check: '',
  meaning: 'The next hop’s link-layer address could not be resolved.',
  explain: '/api/v1/explain/NEIGH_FAILED',
  signal: { kind: 'drop', reason: 'NEIGH_FAILED', function: 'neigh_timer_handler' },
  symptoms: [
    {
      signal: { kind: 'drop', reason: 'NEIGH_FAILED', function: 'neigh_timer_handler' },
      severity: 'warning',
      first_us: now - 95 * second,
      hosts_total: 1,
    },
  ],
  started_us: now - 95 * second,
  detected_us: now - 90 * second,
  last_us: now - 65 * second,
  resolved_us: now - 35 * second,
  hosts: [
    {
      ...{ host_id: 'tor-12-01', hostname: 'tor-12-01.example.net', active: false },
      ...{ first_us: now - 95 * second, last_us: now - 65 * second },
      ...{ ...rate, events: 84_213, peak_rate: 1034, baseline_rate: 2 },
    },
  ],
  hosts_total: 1,
  fleet: 4000,
  explanation: null,
  unexplained: { total: 0, hosts: [] },
  changes: [],
  rollout: null,
  loops: [],
  cause: null,
  consequences: [],
  acknowledged: null,
  suppressed: null,
  regression_of: 'i1007-1',
  merged_into: '',
  late: { reports: 0, events: 0 },
  runbook: '',
  samples: [],
  audit: [
    { at_us: now - 90 * second, event: 'fired', by: '', detail: 'by tor-12-01.example.net' },
    { at_us: now - 35 * second, event: 'resolved', by: '', detail: 'no affected host for 30 s' },
  ],
};

const of = (attribute: string, value: string) => ({ attribute, value });
const firing: IncidentView = {
  ...quiet,
  id: 'i1041-0',
  state: 'acknowledged',
  severity: 'critical',
  title: '38 of 40 hosts in rack r12 drop NEIGH_FAILED in neigh_timer_handler',
  sentence:
    '38 of 40 hosts in rack r12 have dropped NEIGH_FAILED in neigh_timer_handler since 03:02:30 UTC (0.03\u00a0% of the other 3\u00a0960 did). It is explained just as well by tor t12.',
  next_check:
    'Look at edge-7, which is in rack r12 but not with nic mlx5_core: trouble there speaks for rack r12, none for nic mlx5_core.',
  symptoms: [
    ...quiet.symptoms,
    {
      signal: { kind: 'counter', counter: 'rx_missed_errors' },
      severity: 'info',
      first_us: now - 70 * second,
      hosts_total: 31,
    },
  ],
  last_us: now - second,
  resolved_us: 0,
  hosts: [
    { ...quiet.hosts[0]!, active: true, last_us: now - second },
    {
      ...{ host_id: 'tor-12-02', hostname: '', active: false, ...rate },
      ...{ first_us: now - 80 * second, last_us: now - 60 * second },
    },
    ...Array.from({ length: 22 }, (_, i) => ({
      ...{ host_id: `h${i}`, hostname: `edge-${i}`, active: true, ...rate },
      ...{ first_us: now - 80 * second, last_us: now - second, peak_rate: 700 - i },
    })),
  ],
  hosts_total: 41,
  explanation: {
    items: [of('rack', 'r12')],
    equivalents: [[of('tor', 't12')], [of('subnet', '10.12.0.0/24')]],
    ...{ covered: 40, affected: 38, others: 3960, others_affected: 1 },
    ...{ support_ppm: 974_359, lift_milli: 97_436, risk_ratio_milli: 2_479_000, likelihood_milli: 190_000 },
    changed_us: 0,
    rivals: [
      {
        items: [of('nic', 'mlx5_core'), of('kernel', '6.12.9')],
        ...{ covered: 52, affected: 37, without: ['edge-7', 'edge-9'], beyond: ['db-1'] },
      },
    ],
  },
  unexplained: { total: 3, hosts: ['db-7', 'db-9'] },
  changes: [{ id: 'g77-0', summary: 'switch tor-12 to firmware 4.2', at_us: now - 700 * second }],
  cause: {
    ...{ incident_id: 'i1039-0', host_id: 'gw-1', hostname: 'gw-1.example.net', order: 'before' },
    ...{ gap_us: 42 * second, error_us: 2_400_000 },
  },
  consequences: ['i1044-0', 'i1045-0'],
  acknowledged: { by: 'alice', at_us: now - 30 * second, comment: 'on my way to the rack' },
  suppressed: { by: 'incident', id: 'i1039-0' },
  regression_of: '',
  runbook: 'https://wiki.example.net/neigh',
  samples: [
    {
      host_id: 'tor-12-01',
      hostname: 'tor-12-01.example.net',
      at_us: now - 4 * second,
      interface: 'bond0',
      namespace: 'pod 6d0a1fc2-5b44-4f6a-9d5e-0d9f52e1c7aa container 0123456789ab',
      length: 1514,
      flows: [
        aFlow({ source: '10.0.0.1', destination: '10.0.0.2', protocol: 'VXLAN', tunnel_id: 42 }),
        aFlow({ protocol: 'TCP', source_port: 51_514, destination_port: 443, detail: 'SYN' }),
      ],
    },
    {
      host_id: 'tor-12-02',
      hostname: '',
      at_us: now - 61 * second,
      interface: 'eth0',
      namespace: 'netns \x1b[2Jblue',
      length: 70,
      flows: [aFlow({ source_port: 51_514, destination_port: 8125 })],
    },
  ],
  audit: [
    { at_us: now - 90 * second, event: 'fired', by: '', detail: 'by edge-0, edge-1, edge-2 and 20 more' },
    { at_us: now - 30 * second, event: 'acknowledged', by: 'alice', detail: 'on my way to the rack' },
    { at_us: now - 29 * second, event: 'comment', by: 'bob\x1b[2J', detail: 'the \ntor is hot' },
  ],
};

const crash: IncidentView = {
  ...quiet,
  id: 'i2000-0',
  state: 'firing',
  severity: 'critical',
  title: '2 hosts crashed, 1 of them again and again: kernel BUG in f1, new on kernel 6.12.9',
  sentence: '2 hosts have crashed since 03:02:30 UTC, 1 of them again and again: kernel BUG in f1.',
  meaning: 'A kernel died, or is in trouble that it reports itself.',
  explain: '',
  signal: { kind: 'crash', signature: '1:a830faccb0684050', title: 'kernel BUG in f1' },
  symptoms: [],
  resolved_us: 0,
  hosts: [
    {
      ...{ host_id: '', hostname: '192.0.2.7', active: true, events: 0, peak_rate: 0, baseline_rate: 0 },
      ...{ first_us: now - 95 * second, last_us: now - 95 * second, crashes: 1 },
    },
    {
      ...{ host_id: 'web-1', hostname: 'web-1', active: true, events: 0, peak_rate: 0, baseline_rate: 0 },
      ...{ first_us: now - 90 * second, last_us: now - 5 * second, crashes: 3 },
    },
  ],
  hosts_total: 2,
  rollout: { ...of('kernel', '6.12.9'), since_us: now - 900 * second },
  loops: ['web-1'],
  cause: {
    ...{ incident_id: 'i1999-0', host_id: 'gw-1', hostname: '', order: 'concurrent' },
    ...{ gap_us: -1_300_000, error_us: 12_000_000 },
  },
  suppressed: { by: 'maintenance', id: 's77-0' },
  late: { reports: 2, events: 50 },
  audit: [],
};

const host: HostView = {
  host_id: 'web-1',
  hostname: 'web-1.example.net',
  status: 'live',
  first_seen_us: now - 5000 * second,
  last_seen_us: now - 4 * second,
  agent_version: '0.1.0',
  boot_id: '',
  incarnation: '',
  attributes: { kernel: '6.18.44' },
  addresses: [],
  sources: [
    { name: 'kfree-skb', state: 'ok', detail: '', mend: '' },
    { name: 'counters', state: 'ok', detail: '', mend: '' },
  ],
  losses: [{ source: 'kfree-skb', hop: 'map_overflow', count: 1200 }],
  spool_messages: 0,
  messages_lost: 34,
};
const silent: HostView = {
  ...host,
  host_id: 'web-2',
  hostname: '\x1b[2Jweb-2\nroot',
  status: 'silent',
  last_seen_us: now - 4000 * second,
  attributes: {},
  sources: [
    { name: 'kfree-skb', state: 'unavailable', detail: '', mend: '' },
    { name: 'counters', state: 'ok', detail: '', mend: '' },
  ],
  losses: [],
  messages_lost: 0,
};

const counts = { live: 1, silent: 1, stopped: 0, conflict: 0 };

it.each([
  ['incidents.txt', incidentList([firing, crash, quiet], now, paper)],
  ['incident-explained.txt', incidentPage(firing, now, paper)],
  ['incident-crash.txt', incidentPage(crash, now, paper)],
  ['incident-resolved.txt', incidentPage(quiet, now, paper)],
  ['hosts.txt', hostList([host, silent], counts, now, paper)],
])('%s', async (name, lines) => {
  for (const line of lines) expect([...line].length).toBeLessThanOrEqual(80);
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`./golden/${name}`);
});

it('shows how long the trouble lasted, once it is quiet', () => {
  const resolving = { ...firing, state: 'resolving', last_us: now - 65 * second } as const;
  expect(incidentPage(resolving, now, paper)).toContain('over           2026-01-02 03:03:00 UTC, after 30 s');
});

it('says that it began on the first host that was not in trouble before', () => {
  const [first, second] = firing.hosts as [(typeof firing.hosts)[0], (typeof firing.hosts)[0]];
  const early = { ...second, hostname: 'early', first_us: firing.started_us - 1 };
  const page = incidentPage({ ...firing, hosts: [early, { ...first, hostname: 'edge-1' }] }, now, paper);
  expect(page).toContain('began          2026-01-02 03:02:30 UTC (1 min ago), first on edge-1');
});

it('says how many hosts there are when not all are listed', () => {
  const lines = hostList([host, silent], { live: 38, silent: 1, stopped: 1, conflict: 0 }, now, paper);
  expect(lines.at(-1)).toBe('live 38 · silent 1 · stopped 1, of which 2 are listed: raise --limit for more');
});

it('says so when there is nothing', () => {
  expect(incidentList([], now, paper)).toEqual(['No incidents.']);
  expect(hostList([], { live: 0, silent: 0, stopped: 0, conflict: 0 }, now, paper)).toEqual([
    'No host has reported yet.',
  ]);
});
