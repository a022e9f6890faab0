import fc from 'fast-check';
import { expect, test } from 'vitest';
import { newIncident } from './incident.ts';
import type { AttributeValue, Explanation, Incident, IncidentHost, Signal } from './model.ts';
import { nextCheckOf, phrase, runbookOf, sentenceOf, titleOf } from './words.ts';

const second = 1_000_000;
const minute = 60 * second;
/** 2026-03-01 10:02:11 UTC. */
const T0 = Date.UTC(2026, 2, 1, 10, 2, 11) * 1000;

const DROP: Signal = { kind: 'drop', reason: 'NEIGH_FAILED', function: 'neigh_timer_handler' };
const CRASH: Signal = { kind: 'crash', signature: '1:a830faccb0684050', title: 'kernel BUG in f1' };

const of = (attribute: string, value: string): AttributeValue => ({ attribute, value });
const host = (n: number, part: Partial<IncidentHost> = {}): IncidentHost => ({
  ...{ host_id: `h${n}`, hostname: `edge-${n}`, first_us: T0, last_us: T0, active: true },
  ...{ events: 0, peak_rate: 0, baseline_rate: 0, crashes: 0 },
  ...part,
});

const explained = (part: Partial<Explanation> = {}): Explanation => ({
  ...{ items: [of('rack', 'r12')], equivalents: [], rivals: [], covered: 40, affected: 38, others: 3960 },
  ...{ others_affected: 1, support_ppm: 974_359, lift_milli: 97_436, risk_ratio_milli: 2_479_000 },
  ...{ likelihood_milli: 190_000, changed_us: 0 },
  ...part,
});

const anIncident = (part: Partial<Incident>): Incident => {
  const signal = part.signal ?? DROP;
  const severity = part.severity ?? 'critical';
  const opening = { fingerprint: '', state: 'firing', signal, severity, fleet: 4000, runbook: '' } as const;
  return {
    ...newIncident('i7-0', opening, { sequence: 7, nowUs: T0, liveUs: T0, stampUs: T0 }),
    ...{ hosts: [host(1), host(2)], hosts_total: 38, last_us: T0 + minute },
    symptoms: [{ signal, severity, first_us: T0, hosts_total: 38 }],
    ...part,
  };
};

const rival = (part: object = {}) => ({
  ...{ items: [of('nic', 'mlx5_core')], covered: 52, affected: 37, without: ['edge-7'], beyond: [] },
  ...part,
});
const symptom = (signal: Signal) => ({ signal, severity: 'info', first_us: T0, hosts_total: 3 }) as const;
const over = { state: 'resolved', last_us: T0 + 12 * minute } as const;
const alone = { hosts: [host(1)], hosts_total: 1 };

const CASES: Readonly<Record<string, Partial<Incident>>> = {
  'one host': alone,
  'one host, over': { ...alone, ...over },
  'one host, over in a second': { ...alone, ...over, last_us: T0 },
  'one host, over on another day': { ...alone, ...over, last_us: T0 + 20 * 60 * minute },
  'one host, since yesterday': { ...alone, last_us: T0 + 20 * 60 * minute },
  'hosts that share nothing': { hosts_total: 3 },
  'packets for one host': { fingerprint: 'drop/NEIGH_FAILED/f@towards=db-1' },
  'a function that is not known': { ...alone, signal: { ...DROP, function: '' } },
  'a rack': { explanation: explained() },
  'a rack, all of it, and nobody else': {
    explanation: explained({ affected: 40, others_affected: 0 }),
  },
  'the whole fleet': { explanation: explained({ items: [], covered: 4000, affected: 3711, others: 0 }) },
  'a rare trouble of others': { explanation: explained({ others: 396_000 }) },
  'what explains it as well': {
    explanation: explained({
      items: [of('kernel', '6.12.9'), of('nic', 'mlx5_core')],
      equivalents: ['t12', 't13', 't14', 't15', 't16'].map((tor) => [of('tor', tor)]),
    }),
  },
  'what explains it as well, once': {
    explanation: explained({ equivalents: [[of('gateway_mac', '02:00:00:00:00:0c')]] }),
  },
  'what explains it nearly as well': { explanation: explained({ rivals: [rival()] }) },
  'what explains it nearly as well, and has hosts of its own': {
    explanation: explained({
      rivals: [rival({ without: [], beyond: ['db-1'] }), rival({ items: [of('image', 'a')] }), rival()],
    }),
  },
  'hosts that are left over': {
    explanation: explained(),
    unexplained: { total: 3, hosts: ['db-1', 'db-2', 'db-3'] },
  },
  'one host that is left over': { explanation: explained(), unexplained: { total: 1, hosts: ['db-1'] } },
  symptoms: {
    explanation: explained(),
    symptoms: [
      symptom(DROP),
      symptom({ kind: 'counter', counter: 'rx_missed_errors' }),
      symptom({ kind: 'silence' }),
    ],
  },
  'many symptoms': {
    explanation: explained(),
    symptoms: [1, 2, 3, 4, 5, 6].map((n) => symptom({ kind: 'counter', counter: `rx_${n}` })),
  },
  'a value that hosts came to': { explanation: explained({ changed_us: T0 - 9 * minute }) },
  'a value that hosts came to long before': {
    explanation: explained({ changed_us: T0 - 3 * 1440 * minute }),
  },
  'a change': {
    explanation: explained(),
    changes: [{ id: 'g1-0', summary: 'tor-12 to firmware 4.2', at_us: T0 - 700 * second }],
  },
  'a change a moment later': {
    explanation: explained(),
    changes: [{ id: 'g1-0', summary: 'tor-12 to firmware 4.2', at_us: T0 + 20 * second }],
  },
  'a cause': {
    hosts_total: 3,
    fingerprint: 'drop/NEIGH_FAILED/f@towards=db-1',
    cause: {
      ...{ incident_id: 'i6-0', host_id: 'db-1', hostname: 'db-1', order: 'before' },
      ...{ gap_us: 12 * second, error_us: 2 * second },
    },
  },
  'a cause that may have come later': {
    hosts_total: 3,
    cause: {
      ...{ incident_id: 'i6-0', host_id: 'db-1', hostname: 'db-1', order: 'concurrent' },
      ...{ gap_us: -second, error_us: 2 * second },
    },
  },
  'a counter': { ...alone, signal: { kind: 'counter', counter: 'rx_missed_errors' } },
  'a counter of a driver': {
    explanation: explained({ items: [of('firmware', 'mlx5_core 16.35')] }),
    signal: { kind: 'counter', counter: 'rx_missed_errors' },
  },
  'a crash': { ...alone, signal: CRASH, last_us: T0 },
  'crashes, and more of them': { ...alone, signal: CRASH },
  'a crash of which nobody knows more': {
    ...{ hosts: [host(1, { host_id: '', hostname: '192.0.2.7' })], hosts_total: 1 },
    signal: { ...CRASH, signature: '', title: '' },
  },
  'a crash of nobody known': {
    hosts: [host(1, { host_id: '', hostname: '' })],
    hosts_total: 1,
    signal: CRASH,
  },
  'a crash loop': { ...alone, signal: CRASH, loops: ['h1'] },
  'a crash of a rollout': {
    signal: CRASH,
    hosts_total: 12,
    explanation: explained({
      items: [of('kernel', '6.12.9')],
      covered: 60,
      affected: 12,
      others_affected: 0,
    }),
    rollout: { ...of('kernel', '6.12.9'), since_us: T0 - 25 * minute },
    loops: ['h1', 'h2'],
  },
  'trouble that kernels survive': { ...alone, signal: CRASH, severity: 'warning' },
  'trouble that kernels survived': { hosts_total: 4, signal: CRASH, severity: 'warning', ...over },
  'a silence': { ...alone, signal: { kind: 'silence' } },
  silences: { signal: { kind: 'silence' }, explanation: explained({ others_affected: 0, affected: 40 }) },
  'silences, over': { signal: { kind: 'silence' }, hosts_total: 3, ...over },
  'a backlog': { ...alone, signal: { kind: 'backlog' } },
  backlogs: { hosts_total: 1200, signal: { kind: 'backlog' }, ...over },
};

test('what is said of an incident', async () => {
  const said = Object.entries(CASES).map(([name, part]) => {
    const incident = anIncident(part);
    const check = nextCheckOf(incident);
    const lines = [
      `# ${name}`,
      titleOf(incident),
      sentenceOf(incident),
      ...(check === '' ? [] : [`> ${check}`]),
    ];
    return lines.join('\n').replaceAll('\u00a0', '~');
  });
  await expect(`${said.join('\n\n')}\n`).toMatchFileSnapshot('golden/words.txt');
});

test('values have the word before them that is theirs', () => {
  const items = [of('rack', 'r12'), of('kernel', '6.1'), of('nic', 'virtio_net'), of('tor', 't12')];
  expect(phrase(items)).toBe('in rack r12 on kernel 6.1 with nic virtio_net behind tor t12');
  expect(phrase([])).toBe('');
});

test('a share that is not nothing is not called nothing, and thousands are apart', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000_000 }), fc.nat(), (others, n) => {
      const others_affected = n % (others + 1);
      const sentence = sentenceOf(anIncident({ explanation: explained({ others, others_affected }) }));
      const [, share, count = ''] = /\((.+) of the other ([\d\u00a0]+) have\)/.exec(sentence) ?? [];
      expect(Number(count.replaceAll('\u00a0', ''))).toBe(others);
      expect(count).toMatch(/^\d{1,3}(\u00a0\d{3})*$/);
      expect(share === 'none').toBe(others_affected === 0);
      expect(share).not.toBe('0\u00a0%');
    }),
  );
});

test('a runbook is at the configured address, with the name of what is wrong where the address wants it', () => {
  const at = (signal: Signal, address = 'https://wiki/{signal}?of={signal}') => runbookOf(signal, address);
  expect(at(DROP)).toBe('https://wiki/NEIGH_FAILED?of=NEIGH_FAILED');
  expect(at({ kind: 'counter', counter: 'rx missed & more' })).toBe(
    'https://wiki/rx%20missed%20%26%20more?of=rx%20missed%20%26%20more',
  );
  expect(at({ kind: 'crash', signature: 's', title: 'BUG' })).toBe('https://wiki/crash?of=crash');
  expect(at({ kind: 'silence' }, 'https://wiki/netfall')).toBe('https://wiki/netfall');
  expect(at(DROP, '')).toBe('');
  const long = `${'x'.repeat(99)}\u{1f600}`;
  expect(at({ kind: 'counter', counter: long }, '{signal}')).toBe(`${'x'.repeat(99)}%EF%BF%BD`);
});
