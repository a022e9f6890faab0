import type { HostView, IncidentView } from '@netfall/collector';
import { expect, it } from 'vitest';
import { aFlow } from '../testing/samples.ts';
import { hostList } from './hosts.ts';
import { incidentList, incidentPage } from './incidents.ts';

const second = 1_000_000;
const now = Date.UTC(2026, 0, 2, 3, 4, 5) * 1000;
const paper = { width: 80, colour: false };

const firing: IncidentView = {
  id: 'i1041-0',
  fingerprint: 'drop/NEIGH_FAILED/neigh_timer_handler',
  version: 3,
  state: 'firing',
  severity: 'warning',
  title: '3 hosts drop NEIGH_FAILED in neigh_timer_handler',
  meaning: 'The next hop’s link-layer address could not be resolved.',
  explain: '/api/v1/explain/NEIGH_FAILED',
  signal: { kind: 'drop', reason: 'NEIGH_FAILED', function: 'neigh_timer_handler' },
  started_us: now - 95 * second,
  detected_us: now - 90 * second,
  last_us: now - second,
  resolved_us: 0,
  hosts: [
    {
      host_id: 'tor-12-01',
      hostname: 'tor-12-01.example.net',
      first_us: now - 95 * second,
      last_us: now - second,
      active: true,
      events: 84_213,
      peak_rate: 1034,
      baseline_rate: 2,
    },
    {
      host_id: 'tor-12-02',
      hostname: '',
      first_us: now - 80 * second,
      last_us: now - 60 * second,
      active: false,
      events: 913,
      peak_rate: 80,
      baseline_rate: 0,
    },
  ],
  hosts_total: 3,
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
  regression_of: '',
  audit: [
    { at_us: now - 90 * second, event: 'fired', detail: 'tor-12-01' },
    { at_us: now - 80 * second, event: 'joined', detail: 'tor-12-02' },
  ],
};
const resolved: IncidentView = {
  ...firing,
  id: 'i1290-0',
  state: 'resolved',
  title: 'tor-12-01.example.net drops NEIGH_FAILED in neigh_timer_handler',
  hosts_total: 1,
  hosts: firing.hosts.slice(0, 1),
  samples: [],
  last_us: now - 65 * second,
  resolved_us: now - 35 * second,
  regression_of: 'i1007-1',
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
  ['incidents.txt', incidentList([firing, resolved], now, paper)],
  ['incident-firing.txt', incidentPage(firing, now, paper)],
  ['incident-resolved.txt', incidentPage(resolved, now, paper)],
  ['hosts.txt', hostList([host, silent], counts, now, paper)],
])('%s', async (name, lines) => {
  for (const line of lines) expect([...line].length).toBeLessThanOrEqual(80);
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`./golden/${name}`);
});

it('shows how long the trouble lasted, once it is quiet', () => {
  const resolving = { ...firing, state: 'resolving', last_us: now - 65 * second } as const;
  expect(incidentPage(resolving, now, paper)).toContain('over     2026-01-02T03:03:00Z, after 30 s');
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
