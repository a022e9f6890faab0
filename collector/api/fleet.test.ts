import { expect, test } from 'vitest';
import { Fleet } from './fleet.ts';
import { aHost, TestDatabase } from './testing.ts';

function losing(source: string, hop: string, count: number) {
  return { losses: [{ source, hop, count }] };
}

test('sums hosts, losses and lost messages over more hosts than one slice', async () => {
  using database = new TestDatabase();
  const live = Array.from({ length: 450 }, (_, index) =>
    aHost(`a${index}`, { ...losing('kfree-skb', 'map_overflow', 2), messages_lost: 1 }),
  );
  const silent = aHost('b', { status: 'silent', ...losing('spool', 'evicted', 7) });
  database.commit({ hosts: [...live, silent] });
  const totals = await new Fleet(database.reader).totals();
  expect(totals.hosts).toEqual({ live: 450, silent: 1, stopped: 0, conflict: 0 });
  expect(totals.losses).toEqual([
    { source: 'kfree-skb', hop: 'map_overflow', count: 900 },
    { source: 'spool', hop: 'evicted', count: 7 },
  ]);
  expect(totals.messagesLost).toBe(450);
});

test('what was lost stays counted when its host is forgotten', async () => {
  using database = new TestDatabase();
  const losses = [{ source: 'spool', hop: 'evicted', count: 5 }];
  const forgotten = { hosts: 3, messages_lost: 7, losses };
  database.commit({ hosts: [aHost('a', { ...losing('spool', 'evicted', 2), messages_lost: 1 })], forgotten });
  expect(await new Fleet(database.reader).totals()).toMatchObject({
    hosts: { live: 1, silent: 0, stopped: 0, conflict: 0 },
    losses: [{ source: 'spool', hop: 'evicted', count: 7 }],
    messagesLost: 8,
  });
});

test('names that hosts make up do not grow without bound, and their counts are kept', async () => {
  using database = new TestDatabase();
  const hosts = Array.from({ length: 300 }, (_, index) => aHost(`h${index}`, losing(`s${index}`, 'x', 10)));
  database.commit({ hosts });
  const { losses } = await new Fleet(database.reader).totals();
  expect(losses.length).toBe(200);
  expect(losses.reduce((sum, { count }) => sum + count, 0)).toBe(3000);
  expect(losses.find(({ source }) => source === 'other')).toEqual({
    source: 'other',
    hop: 'other',
    count: 1010,
  });
});

test('sources that hosts make up do not grow without bound', async () => {
  using database = new TestDatabase();
  const source = { state: 'ok', detail: '', mend: '' } as const;
  const hosts = Array.from({ length: 100 }, (_, i) =>
    aHost(`h${i}`, { sources: [{ ...source, name: `s${i}` }] }),
  );
  database.commit({ hosts });
  const { sources } = await new Fleet(database.reader).totals();
  expect(sources).toHaveLength(64);
  expect(sources.find(({ name }) => name === 'other')?.hosts.ok).toBe(37);
});

test('counts again only when the last count is stale', async () => {
  using database = new TestDatabase();
  let nowMs = 1000;
  const fleet = new Fleet(database.reader, () => nowMs);
  expect((await fleet.totals()).hosts.live).toBe(0);
  database.commit({ hosts: [aHost('a')] });
  nowMs += 999;
  expect((await fleet.totals()).hosts.live).toBe(0);
  nowMs += 1;
  expect(await fleet.totals()).toMatchObject({ countedUs: 2_000_000, hosts: { live: 1 } });
});
