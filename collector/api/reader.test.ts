import { expect, test } from 'vitest';
import { Reader } from './reader.ts';
import { aHost, aNotification, anIncident, aShownIncident, T0, TestDatabase } from './testing.ts';

test('a database that is not there is named', () => {
  expect(() => new Reader('/nowhere/replica.db')).toThrow(
    'cannot read the database /nowhere/replica.db (unable to open database file): the replica must have created it first',
  );
});

test('incidents come newest first, and by id where they are as old', () => {
  using database = new TestDatabase();
  database.commit({
    incidents: [
      anIncident({ id: 'i3-0', detected_us: T0 }),
      anIncident({ id: 'i9-0', detected_us: T0 + 5 }),
      anIncident({ id: 'i2-0', detected_us: T0 }),
    ],
  });
  const { items, next } = database.reader.listIncidents({ limit: 10 });
  expect(items.map(({ id }) => id)).toEqual(['i9-0', 'i2-0', 'i3-0']);
  expect(next).toBeNull();
});

test('pages join to the whole list, without gap or repetition', () => {
  using database = new TestDatabase();
  const incidents = Array.from({ length: 23 }, (_, index) =>
    anIncident({ id: `i${index}-0`, detected_us: T0 + (index % 4) }),
  );
  database.commit({ incidents });
  const whole = database.reader.listIncidents({ limit: 1000 }).items.map(({ id }) => id);
  expect(new Set(whole).size).toBe(23);
  const joined: string[] = [];
  let page = database.reader.listIncidents({ limit: 5 });
  joined.push(...page.items.map(({ id }) => id));
  while (page.next) {
    page = database.reader.listIncidents({ limit: 5, after: page.next });
    joined.push(...page.items.map(({ id }) => id));
  }
  expect(joined).toEqual(whole);
});

test('a page ends where so much was read, though nothing was found yet', () => {
  using database = new TestDatabase();
  const hosts = Array.from({ length: 5001 }, (_, index) => aHost(`h${String(index).padStart(4, '0')}`));
  database.commit({ hosts: [...hosts, aHost('z', { status: 'silent' })] });
  const first = database.reader.listHosts({ status: 'silent', limit: 10 });
  expect(first).toEqual({ items: [], next: 'h4999' });
  const second = database.reader.listHosts({ status: 'silent', limit: 10, after: first.next ?? '' });
  expect(second.items.map(({ host_id }) => host_id)).toEqual(['z']);
  expect(second.next).toBeNull();
});

test('incidents are shown without what only the fold needs', () => {
  using database = new TestDatabase();
  database.commit({ incidents: [anIncident()] });
  expect(database.reader.getIncident('i100-0')).toEqual(aShownIncident());
  expect(database.reader.getIncident('i101-0')).toBeNull();
});

test("a host's conflict is shown until the fold's live time says that it is over", () => {
  using database = new TestDatabase();
  const host = aHost('web-1', { conflict_until_us: 100 });
  database.commit({ hosts: [host], liveUs: 99 });
  expect(database.reader.getHost('web-1')?.status).toBe('conflict');
  database.commit({ liveUs: 100 });
  expect(database.reader.getHost('web-1')?.status).toBe('live');
});

test('pending notifications come oldest first, with the sinks that have yet to take them', () => {
  using database = new TestDatabase();
  const delivery = { attempts: 1, at_us: T0, error: '' };
  database.commit({
    notifications: [
      aNotification({ id: 'b/firing', created_us: T0 + 1 }),
      aNotification({
        id: 'a/firing',
        created_us: T0,
        deliveries: [
          { sink: 'ops', state: 'delivered', ...delivery },
          { sink: 'pager', state: 'pending', ...delivery },
        ],
      }),
      aNotification({ id: 'c/firing', deliveries: [{ sink: 'ops', state: 'failed', ...delivery }] }),
    ],
  });
  expect(database.reader.pendingNotifications()).toEqual([
    { id: 'a/firing', incidentId: 'i100-0', createdUs: T0, sinks: ['pager'] },
    { id: 'b/firing', incidentId: 'i100-0', createdUs: T0 + 1, sinks: ['ops'] },
  ]);
  expect(database.reader.countPendingNotifications()).toBe(2);
});

test('listeners hear of commits until they leave', () => {
  using database = new TestDatabase();
  const heard: number[] = [];
  const leave = database.reader.onChange(({ sequence }) => heard.push(sequence));
  database.commit({}, 7);
  leave();
  database.commit({}, 8);
  expect(heard).toEqual([7]);
  expect(database.reader.sequence()).toBe(8);
});
