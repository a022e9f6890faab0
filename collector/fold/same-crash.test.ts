import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crashOf, type KnownHost, NEW, type StoredRecord } from './crash.ts';
import { apart, placesOf, traitsOf } from './same-crash.ts';
import { aRecord } from './testing/crash-items.ts';
import { START_US } from './testing/story.ts';

const host = (id: string): KnownHost => ({ host_id: id, hostname: id, kernel: '', hardware: '' });
/** What the crashed host's own agent has of it. */
const own = (id: string, part: Partial<StoredRecord> = {}) =>
  aRecord({ host_id: id, sender: '', source: 'pstore', crashed: host(id), ...part });
const heard = (part: Partial<StoredRecord> = {}) => aRecord(part);
const heardOf = (id: string, part: Partial<StoredRecord> = {}) => aRecord({ crashed: host(id), ...part });

/** At a second of the story, and of the kernel's own clock; 0 when that is not known. */
const when = (second: number, uptime: number, lastSecond = second, lastUptime = 0) => ({
  first_us: START_US + second * 1_000_000,
  last_us: START_US + lastSecond * 1_000_000,
  uptime_us: uptime * 1_000_000,
  last_uptime_us: lastUptime * 1_000_000,
});
const other = { line: 'BUG: unable to handle page fault for address: 00000000deadbeef' };
const none = { line: '', uptime_us: 0 };
const UUID = '6ba7b810-9dad-11d1-80b4-00c04fd430c9';

type Records = StoredRecord | StoredRecord[];
/** What is far apart is null; what is one by its contents is 0; else a second more than the moments are apart. */
const farApart = (a: Records, b: Records): number | null => {
  const [one, two] = [a, b].map((records) => traitsOf(crashOf(NEW, [records].flat())));
  const far = apart(one!, two!);
  expect(apart(two!, one!)).toBe(far);
  return far === null || far === 0 ? far : (far - 1) / 1_000_000 + 1;
};

describe('by what the logs say', () => {
  test.each<[string, Records, Records, number | null]>([
    ['two relays', heard(), heard({ host_id: 'relay-2' }), 0],
    ['from addresses that say nothing of one another', heard(), heard({ sender: '192.0.2.1' }), 0],
    ['hours later, since pstore is found after the reboot', heard(), own('a', when(9000, 100)), 0],
    ['from an address of another host', heardOf('b'), own('a', when(9000, 100)), 0],
    ['of two hosts by their own word', own('a'), own('b'), null],
    ['twice by one host’s own word', own('a'), own('a', { record: 'r2', source: 'vmcore-dmesg' }), 0],
    ['another line', heard(), heard({ sender: '192.0.2.1', ...other }), null],
    ['another uptime', heard(), heard({ sender: '192.0.2.1', uptime_us: 100_000_001 }), null],
    ['no line', heard({ line: '' }), heard({ sender: '192.0.2.1', line: '' }), null],
    ['no uptime', heard({ uptime_us: 0 }), heard({ sender: '192.0.2.1', uptime_us: 0 }), null],
    [
      'one record of several',
      [heard({ ...other }), heard({ record: 'r2' })],
      heard({ sender: '192.0.2.1' }),
      0,
    ],
  ])('%s', (_name, a, b, far) => {
    expect(farApart(a, b)).toBe(far);
  });
});

describe('by boot', () => {
  const boots = (a: string, b: string) => farApart(heard({ boot_id: a }), heard({ boot_id: b }));
  test.each<[string, string, number | null]>([
    [UUID, UUID, 0],
    [UUID, UUID.toUpperCase(), 0],
    [UUID, UUID.replace('6', '7'), null],
    ['41', '42', null],
    ['41', UUID, 0],
    ['', '42', 0],
    ['boot-a', 'boot-b', null],
    ['boot-a', '42', 0],
  ])('%s and %s', (a, b, far) => {
    expect(boots(a, b)).toBe(far);
  });

  test('any of several that differs', () => {
    const both = [heard({ boot_id: UUID }), heard({ record: 'r2', boot_id: '41' })];
    expect(farApart(both, heard({ boot_id: '41' }))).toBe(0);
    expect(farApart(both, heard({ boot_id: '42' }))).toBe(null);
  });
});

describe('by host and time', () => {
  const at = when(10, 100);
  test.each<[string, Records, Records, number | null]>([
    ['the same host, by address and by its own word', heardOf('a'), own('a', { ...other, ...at }), 1],
    ['two hosts', heardOf('a', other), heardOf('b'), null],
    ['two hosts behind one address', heardOf('a', other), own('b', at), null],
    ['the same address of nobody', heard(other), heard(at), 1],
    ['two addresses of nobody', heard(other), heard({ ...at, sender: '192.0.2.1' }), null],
    ['an address of a host that was not known before', heard(other), heardOf('a', at), 1],
    ['an unknown host that never was heard', heard(other), own('a', at), null],
  ])('%s', (_name, a, b, far) => {
    expect(farApart(a, b)).toBe(far);
  });

  // Written down afterwards, so that moments may be as far from the crash as they like.
  const dump = (part: Partial<StoredRecord>) => own('a', { ...other, ...part });
  test.each<[string, StoredRecord, StoredRecord, number | null]>([
    ['uptimes 60 s apart', heardOf('a', at), dump(when(10, 160)), 1],
    ['uptimes 61 s apart', heardOf('a', at), dump(when(10, 161)), null],
    ['uptimes 61 s apart, the other way round', heardOf('a', at), dump(when(10, 39)), null],
    ['uptimes 60 s after the last line', heardOf('a', when(10, 100, 50, 140)), dump(when(10, 200)), 1],
    ['an uptime within the other’s', heardOf('a', when(10, 100, 310, 400)), dump(when(200, 250)), 1],
    ['moments 600 s apart', heardOf('a', at), dump(when(610, 100)), 601],
    ['moments 601 s apart', heardOf('a', at), dump(when(611, 100)), null],
    ['moments 600 s after the last one', heardOf('a', when(10, 100, 50, 140)), dump(when(650, 140)), 601],
    ['no uptime, moments 120 s apart', heardOf('a', { ...at, ...none }), dump(when(130, 100)), 121],
    ['no uptime, moments 121 s apart', heardOf('a', { ...at, ...none }), dump(when(131, 100)), null],
    [
      'only the last line’s uptime',
      heardOf('a', { ...when(10, 0, 10, 100), line: '' }),
      dump(when(600, 100)),
      591,
    ],
  ])('%s', (_name, a, b, far) => {
    expect(farApart(a, b)).toBe(far);
  });

  const again = { ...other, record: 'r2' };
  test.each<[string, Records, Records, number | null]>([
    ['heard again after a reboot', heardOf('a', at), heardOf('a', { ...again, ...when(100, 102) }), null],
    [
      'heard by another source after a reboot',
      heardOf('a', at),
      own('a', { ...again, ...when(100, 102), source: 'kmsg' }),
      null,
    ],
    ['two dumps with a reboot between', own('a', at), dump({ record: 'r2', ...when(100, 102) }), null],
    ['heard again before one', heardOf('a', at), heardOf('a', { ...again, ...when(50, 140) }), 41],
    [
      'booted 5 s apart, by clocks that are not quite right',
      heardOf('a', at),
      heardOf('a', { ...again, ...when(15, 100) }),
      6,
    ],
    ['booted 6 s apart', heardOf('a', at), heardOf('a', { ...again, ...when(16, 100) }), null],
    [
      'found after the reboot, with a time of its own',
      heardOf('a', at),
      own('a', { ...again, ...when(100, 102) }),
      91,
    ],
  ])('%s', (_name, a, b, far) => {
    expect(farApart(a, b)).toBe(far);
  });

  test('a full crash takes nothing that only seems to be the same', () => {
    const full = Array.from({ length: 16 }, (_, i) => heard({ record: `r${i}` }));
    expect(farApart(full, heard(other))).toBe(null);
    expect(farApart(full.slice(1), heard(other))).toBe(1);
    expect(farApart(full, heard({ record: 'r16' }))).toBe(0);
  });
});

test('any two that are one have a place in common, and are as far apart either way', () => {
  const few = (...texts: string[]) => fc.constantFrom('', ...texts);
  const micros = fc.integer({ min: 0, max: 200 }).map((seconds) => seconds * 1_000_000);
  const record = fc
    .record({
      host_id: fc.constantFrom('a', 'b', 'relay'),
      source: fc.constantFrom('netoops', 'netconsole', 'pstore', 'kmsg', 'vmcore-dmesg', 'new'),
      sender: few('10.0.0.1', '10.0.0.2'),
      ...{ boot_id: few('1', '2', UUID), line: few('x', 'y') },
      ...{ uptime_us: micros, last_uptime_us: micros, first_us: micros, last_us: micros },
      of: fc.constantFrom(null, 'a', 'b'),
    })
    .map(({ of, ...part }) => {
      const whose = part.sender === '' ? part.host_id : of;
      return aRecord({ ...part, crashed: whose === null ? null : host(whose) });
    });
  const crash = fc.array(record, { minLength: 1, maxLength: 3 });
  let same = 0;
  fc.assert(
    fc.property(crash, crash, (a, b) => {
      const [one, two] = [a, b].map((records) => traitsOf(crashOf(NEW, records)));
      const far = apart(one!, two!);
      expect(apart(two!, one!)).toBe(far);
      if (far === null) return;
      same++;
      expect(placesOf(one!).some((place) => placesOf(two!).includes(place))).toBe(true);
    }),
    { numRuns: 2000 },
  );
  expect(same).toBeGreaterThan(50);
});
