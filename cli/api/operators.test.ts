import type { ChangeView, SilenceView } from '@netfall/collector';
import { expect, it } from 'vitest';
import { changeAnnounced, changeList } from './changes.ts';
import type { NewSilence } from './client.ts';
import { silenceEnded, silenceList, silenceMade } from './silences.ts';

const second = 1_000_000;
const now = Date.UTC(2026, 0, 2, 3, 4, 5) * 1000;
const paper = { width: 80, colour: false };

const aSilence = (part: Partial<SilenceView>): SilenceView => ({
  ...{ id: 's-0a1b2c3d4e5f', state: 'active', matchers: ['rack=r12'], maintenance: false },
  ...{ from_us: now - 600 * second, until_us: now + 5400 * second, created_us: now - 600 * second },
  ...{ by: 'ann@console', comment: 'new switch', ended_us: 0, ended_by: '', ended_comment: '' },
  ...part,
});
const silences = [
  aSilence({ maintenance: true, matchers: ['rack=r12', 'pool!=db', 'reason=NEIGH_FAILED'] }),
  aSilence({ state: 'pending', from_us: now + 7200 * second, by: '\x1b[2Jmallory', comment: 'a\nb' }),
  aSilence({ state: 'over', until_us: now - 60 * second, comment: '' }),
  aSilence({ state: 'over', ended_us: now - 3600 * second }),
];

const aChange = (part: Partial<ChangeView>): ChangeView => ({
  ...{ id: 'deploy-api-231', kind: 'deployment', summary: 'api v2.31 to a tenth of the pool', url: '' },
  ...{ at_us: now - 95 * second, announced_us: now - 94 * second },
  ...{ attributes: { pool: 'api' }, hosts: [], by: 'ci@build-7' },
  ...part,
});
const changes = [
  aChange({ at_us: now + 3600 * second, kind: 'firmware', attributes: {}, hosts: ['web-2', 'web-1'] }),
  aChange({ attributes: { rack: 'r12', pool: 'api' }, hosts: ['web-9'] }),
  aChange({ attributes: {}, summary: '\x1b[31mred\x07', by: '' }),
];

it.each([
  ['silences.txt', silenceList(silences, now, paper)],
  ['changes.txt', changeList(changes, now, paper)],
])('%s', async (name, lines) => {
  for (const line of lines) expect([...line].length).toBeLessThanOrEqual(80);
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`./golden/${name}`);
});

it('says when there is nothing', () => {
  expect(silenceList([], now, paper)).toEqual(['Nothing is silenced.']);
  expect(changeList([], now, paper)).toEqual(['No changes were announced.']);
});

const wide = { width: 200, colour: false };
const wanted: NewSilence = {
  ...{ matchers: ['rack=r12', 'pool!=db'], for_s: 3600, from_us: 0, maintenance: false },
  ...{ by: 'ann', comment: '' },
};

it('says what a silence covers, until when, and how to end it', () => {
  const ends = '"netfall silences end s-1" ends it before its time.';
  expect(silenceMade(wanted, { id: 's-1', sequence: 7, hosts: 38, incidents: 2 }, now, wide)).toEqual([
    'Silence s-1 holds from now on until 2026-01-02 04:04:05 UTC, about rack=r12 and pool!=db.',
    `It covers 38 hosts and 2 open incidents now. ${ends}`,
  ]);
  const one = { ...wanted, matchers: ['incident=i7-0'] };
  expect(silenceMade(one, { id: 's-1', sequence: 7, hosts: null, incidents: 1 }, now, wide)[1]).toBe(
    `It covers 1 open incident now. ${ends}`,
  );
});

it('says when planned work begins, and when no host fits', () => {
  const later = { ...wanted, maintenance: true, from_us: now + 7200 * second };
  const made = { id: 's-1', sequence: 7, hosts: 0, incidents: 0 };
  expect(silenceMade(later, made, now, wide)).toEqual([
    'Maintenance s-1 holds from 2026-01-02 05:04:05 UTC until 2026-01-02 06:04:05 UTC, about rack=r12 and pool!=db.',
    'It covers 0 hosts and 0 open incidents now. "netfall silences end s-1" ends it before its time.',
    'No host fits: "netfall hosts --json" shows the attributes that hosts have.',
  ]);
  for (const line of silenceMade(later, made, now, paper)) expect(line.length).toBeLessThanOrEqual(80);
});

it('says what was done', () => {
  expect(silenceEnded('s-1')).toEqual(['s-1 is over.']);
  expect(changeAnnounced(aChange({ attributes: {} }), wide)).toEqual([
    'Announced as deploy-api-231, on all hosts: api v2.31 to a tenth of the pool',
  ]);
});
