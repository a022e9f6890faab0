import { type Log, openEmbeddedLog, systemClock } from '@netfall/log';
import { decodeEntry } from '@netfall/proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Appender } from './appender.ts';
import { CELL } from './fold/testing/story.ts';

let log: Log;
beforeEach(() => {
  log = openEmbeddedLog({ dir: ':memory:', clock: systemClock });
});
afterEach(() => log.close());

async function entries() {
  const { last } = await log.info();
  const found = [];
  for (let sequence = 1; sequence <= last; sequence++) {
    const entry = await log.get(sequence);
    if (entry) found.push({ subject: entry.subject, ...decodeEntry(entry.data) });
  }
  return found;
}

test('a run of a replica goes by its own name in claims, on its own subject', async () => {
  const [one, other] = [new Appender(log, CELL, 'r1'), new Appender(log, CELL, 'r1')];
  expect(one.holder).toMatch(/^r1-[0-9a-f]{12}$/);
  expect(other.holder).not.toBe(one.holder);
  expect(await one.claim(15_000_000)).toBe(true);
  expect(await one.claim(0)).toBe(true);
  expect(await entries()).toMatchObject([
    { subject: one.subject('claim'), claim: { holder: one.holder, lease_us: 15_000_000 } },
    { subject: one.subject('claim'), claim: { holder: one.holder, lease_us: 0 } },
  ]);
});

test('each tick is an entry', async () => {
  const appender = new Appender(log, CELL, 'r1');
  await appender.tick();
  await appender.tick();
  expect(await entries()).toMatchObject([{ tick: { replica: 'r1' } }, { tick: { replica: 'r1' } }]);
});

test('a delivery is recorded once, whoever records it', async () => {
  const delivered = { notification_id: 'i7-0/firing', sink: 'chat', attempts: 2, error: '' };
  const one = new Appender(log, CELL, 'r1');
  await one.delivered(delivered);
  await one.delivered(delivered);
  await new Appender(log, CELL, 'r2').delivered(delivered);
  expect(await entries()).toMatchObject([{ delivered: { ...delivered, holder: one.holder } }]);
});

test('what people tell stands in the log, each time that they do', async () => {
  const appender = new Appender(log, CELL, 'r1');
  const change = {
    ...{
      id: 'd1',
      kind: 'deployment',
      summary: 'api',
      at_us: 0,
      attributes: [],
      hosts: [],
      by: 'ci',
      url: '',
    },
  };
  const command = { by: 'ann', comment: '', acknowledge: { incident_id: 'i1-0' } };
  const sequences = [
    await appender.told({ change }),
    await appender.told({ command }),
    await appender.told({ command }),
  ];
  expect(sequences).toEqual([1, 2, 3]);
  expect(await entries()).toMatchObject([
    { subject: appender.subject('change'), change },
    { subject: appender.subject('command'), command },
    { subject: appender.subject('command'), command },
  ]);
});

test('of those who compete at once, one comes first', async () => {
  const all = ['r1', 'r2', 'r3'].map((name) => new Appender(log, CELL, name));
  const won = await Promise.all(all.map((appender) => appender.claim(1)));
  expect(won.filter(Boolean)).toHaveLength(1);
  expect(await entries()).toMatchObject([{ claim: { holder: all[won.indexOf(true)]?.holder } }]);
});

test('who knows no later entry than `seen` loses to one behind it', async () => {
  const appender = new Appender(log, CELL, 'r1');
  expect(await appender.compete('switches', { switches: { switches: [], by: 'ann' } }, 0)).toBe(true);
  expect(await appender.compete('switches', { switches: { switches: [], by: 'bob' } }, 0)).toBe(false);
  expect(await appender.compete('switches', { switches: { switches: [], by: 'eve' } }, 1)).toBe(true);
  expect((await entries()).map(({ switches }) => switches?.by)).toEqual(['ann', 'eve']);
});
