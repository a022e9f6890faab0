import fc from 'fast-check';
import { expect, test } from 'vitest';
import { aNotification, anIncident, T0 } from '../../api/testing.ts';
import { aConsequence, aCrashIncident, anExplainedIncident } from '../../api/testing-incidents.ts';
import type { AttributeValue, Incident, Notification, Signal } from '../../fold/model.ts';
import { type Block, type SlackMessage, slackMessage } from './message.ts';

const OPTIONS = {
  publicUrl: 'https://netfall.example.net/',
  meaning: ({ kind }: Signal) =>
    kind === 'drop' ? 'Nothing listens on the port that the packet was for.' : 'It is something else.',
};

const host = anIncident().hosts[0]!;

function golden(message: SlackMessage): string {
  return `${JSON.stringify(message, null, 2)}\n`;
}

test('a firing incident on many hosts', async () => {
  const hosts = Array.from({ length: 14 }, (_, index) => ({
    ...host,
    host_id: `web-${String(index).padStart(2, '0')}`,
    hostname: `web-${String(index).padStart(2, '0')}.tor-12`,
    peak_rate: 100 + ((index * 37) % 14) * 50,
    active: index !== 3,
  }));
  const incident = anIncident({
    severity: 'critical',
    title: '40 hosts drop NO_SOCKET in __udp4_lib_rcv',
    hosts,
    hosts_total: 40,
    regression_of: 'i77-0',
  });
  await expect(golden(slackMessage(aNotification({ incident }), OPTIONS))).toMatchFileSnapshot(
    'golden/firing.json',
  );
});

test('a resolved incident', async () => {
  const incident = anIncident({
    state: 'resolved',
    last_us: T0 + 3_723_000_000,
    resolved_us: T0 + 3_815_000_000,
    hosts: [{ ...host, active: false }],
  });
  const notification = aNotification({ incident, kind: 'resolved' });
  await expect(golden(slackMessage(notification, OPTIONS))).toMatchFileSnapshot('golden/resolved.json');
});

test('what explains an incident, what to look at next, and where it comes of', async () => {
  const incident = anExplainedIncident({ state: 'firing', acknowledged: null, cause: aConsequence().cause });
  await expect(golden(slackMessage(aNotification({ incident }), OPTIONS))).toMatchFileSnapshot(
    'golden/explained.json',
  );
});

test('what to do about it is a link, where an address was configured', () => {
  const sentences = (runbook: string) => {
    const { incident, ...rest } = aNotification({});
    const message = slackMessage({ ...rest, incident: { ...incident, runbook } }, OPTIONS);
    return JSON.stringify(message).match(/<[^<>]*\|(?:Open the incident|Runbook)>/g);
  };
  const [open = ''] = sentences('') ?? [];
  expect(sentences('')).toEqual([open]);
  expect(sentences('https://wiki/NO_SOCKET?a=1&b=2')).toEqual([
    open,
    '<https://wiki/NO_SOCKET?a=1&amp;b=2|Runbook>',
  ]);
  expect(sentences('see the wiki')).toEqual([open]);
});

test('a crash that became worse', async () => {
  const notification = aNotification({ incident: aCrashIncident({ suppressed: null }), kind: 'escalated' });
  await expect(golden(slackMessage(notification, OPTIONS))).toMatchFileSnapshot('golden/escalated.json');
});

test('hosts that are silent have no rates', async () => {
  const quiet = { ...host, events: 0, peak_rate: 0, baseline_rate: 0 };
  const incident = anIncident({
    severity: 'critical',
    title: '2 hosts are silent',
    signal: { kind: 'silence' },
    hosts: [quiet, { ...quiet, host_id: 'web-2', hostname: 'web-2' }],
    hosts_total: 2,
    fleet: 40,
  });
  await expect(golden(slackMessage(aNotification({ incident })))).toMatchFileSnapshot('golden/silence.json');
});

test('an incident that turned out to be another one', async () => {
  const end = { state: 'merged', merged_into: 'i90-0', resolved_us: T0 + 60_000_000 } as const;
  const incident = anIncident({ ...end, hosts: [{ ...host, active: false }] });
  const message = slackMessage(aNotification({ incident, kind: 'resolved' }), OPTIONS);
  expect(message.text).toBe(':white_check_mark: Merged: web-1 drops NO_SOCKET in __udp4_lib_rcv');
  expect(JSON.stringify(message)).toContain('*Is part of*\\n`i90-0`');
});

test('names that hosts give themselves are text', async () => {
  const incident = anIncident({
    title: '<!channel> drops A&B in <https://evil.example|f>',
    signal: { kind: 'drop', reason: 'A&B', function: '`<f>`' },
    hosts: [{ ...host, hostname: '<@U1>`*bold*`' }],
  });
  await expect(golden(slackMessage(aNotification({ incident })))).toMatchFileSnapshot('golden/hostile.json');
});

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('&'.repeat(4000), '<!here>'.repeat(900), '`'.repeat(3000), '🔥'.repeat(3000), ''),
);
const us = fc.integer({ min: 0, max: 4_102_444_800_000_000 });
const items: fc.Arbitrary<readonly AttributeValue[]> = fc.array(fc.record({ attribute: text, value: text }), {
  maxLength: 4,
});
const signals: fc.Arbitrary<Signal> = fc.oneof(
  fc.record({ kind: fc.constant('drop' as const), reason: text, function: text }),
  fc.record({ kind: fc.constant('counter' as const), counter: text }),
  fc.record({ kind: fc.constant('crash' as const), signature: text, title: text }),
  fc.constant({ kind: 'silence' as const }),
  fc.constant({ kind: 'backlog' as const }),
);
const numbers = { covered: fc.nat(), affected: fc.nat() };
const explanations: fc.Arbitrary<Incident['explanation']> = fc.record({
  items,
  equivalents: fc.array(items, { maxLength: 5 }),
  ...numbers,
  ...{ others: fc.nat(), others_affected: fc.nat(), support_ppm: fc.nat(), lift_milli: fc.nat() },
  ...{ risk_ratio_milli: fc.nat(), likelihood_milli: fc.nat(), changed_us: us },
  rivals: fc.array(
    fc.record({
      items,
      ...numbers,
      without: fc.array(text, { maxLength: 3 }),
      beyond: fc.array(text, { maxLength: 3 }),
    }),
    { maxLength: 5 },
  ),
});
const incidents: fc.Arbitrary<Incident> = fc.record({
  id: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
  fingerprint: text,
  version: fc.nat(),
  state: fc.constantFrom('firing', 'resolved'),
  severity: fc.constantFrom('info', 'warning', 'critical'),
  title: text,
  signal: signals,
  symptoms: fc.array(
    fc.record({
      signal: signals,
      severity: fc.constantFrom('info', 'warning', 'critical'),
      first_us: us,
      hosts_total: fc.nat(),
    }),
    { maxLength: 5 },
  ),
  started_us: us,
  detected_us: us,
  last_us: us,
  resolved_us: us,
  hosts: fc.array(
    fc.record({
      host_id: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
      hostname: text,
      first_us: us,
      last_us: us,
      active: fc.boolean(),
      events: fc.maxSafeNat(),
      peak_rate: fc.maxSafeNat(),
      baseline_rate: fc.maxSafeNat(),
      crashes: fc.nat(),
    }),
    { maxLength: 30 },
  ),
  hosts_total: fc.maxSafeNat(),
  fleet: fc.maxSafeNat(),
  explanation: fc.option(explanations),
  unexplained: fc.record({ total: fc.nat(), hosts: fc.array(text, { maxLength: 3 }) }),
  changes: fc.array(fc.record({ id: text, summary: text, at_us: us }), { maxLength: 3 }),
  rollout: fc.option(fc.record({ attribute: text, value: text, since_us: us })),
  loops: fc.array(text, { maxLength: 3 }),
  cause: fc.option(
    fc.record({
      ...{ incident_id: text, host_id: text, hostname: text, gap_us: fc.maxSafeInteger() },
      ...{ order: fc.constantFrom('before', 'concurrent'), error_us: fc.maxSafeNat() },
    }),
  ),
  consequences: fc.constant([]),
  acknowledged: fc.constant(null),
  suppressed: fc.constant(null),
  regression_of: text,
  merged_into: text,
  late: fc.record({ reports: fc.nat(), events: fc.nat() }),
  runbook: fc.oneof(text, fc.webUrl()),
  audit: fc.constant([]),
});

test("Slack's limits hold and nothing becomes markup, whatever the incident says", () => {
  fc.assert(
    fc.property(
      incidents,
      fc.constantFrom<Notification['kind']>('firing', 'escalated', 'resolved'),
      text,
      (incident, kind, meaning) => {
        const message = slackMessage(aNotification({ incident, kind }), {
          ...OPTIONS,
          meaning: () => meaning,
        });
        const blocks = [...message.blocks, ...message.attachments.flatMap((attachment) => attachment.blocks)];
        expect(blocks.length).toBeLessThanOrEqual(50);
        for (const block of blocks) checkBlock(block);
        expect(message.text.length).toBeLessThanOrEqual(4000);
        checkText(message.text);
      },
    ),
    { numRuns: 200 },
  );
});

function checkBlock(block: Block): void {
  if (block.type === 'header') {
    expect(block.text.type).toBe('plain_text');
    expect(block.text.text.length).toBeLessThanOrEqual(150);
    checkText(block.text.text);
    return;
  }
  const texts =
    block.type === 'context'
      ? block.elements
      : [...(block.text ? [block.text] : []), ...(block.fields ?? [])];
  expect(texts.length).toBeGreaterThan(0);
  expect(texts.length).toBeLessThanOrEqual(10);
  for (const { text, type, verbatim } of texts) {
    expect(type).toBe('mrkdwn');
    expect(verbatim).toBe(true);
    expect(text.length).toBeGreaterThan(0);
    expect(text.length).toBeLessThanOrEqual(block.type === 'section' && block.fields ? 2000 : 3000);
    checkText(text);
  }
}

/** The only angle brackets are those of our own moments and link. */
function checkText(text: string): void {
  expect(text.isWellFormed()).toBe(true);
  const rest = text
    .replace(/<!date\^\d+\^\{date_short_pretty\} \{time_secs\}\|[0-9TZ:.+-]+>/g, '')
    .replace(/<https:\/\/netfall\.example\.net\/#incident\/[\w-]+\|Open the incident>/g, '');
  // And to the runbook, at an address of the web.
  expect(rest.replace(/<https?:\/\/[^\s<>|"]+\|Runbook>/, '')).not.toMatch(/[<>]/);
}
