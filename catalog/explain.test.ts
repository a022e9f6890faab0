import { describe, expect, it } from 'vitest';
import { allNames, dropMeaning, type Explanation, explain, search } from './explain.ts';
import { countersOf } from './rules.ts';

function entryOf(name: string): Explanation {
  const entry = explain(name);
  if (!entry) throw new Error(`the catalog has no ${name}`);
  return entry;
}
const all = allNames().map(entryOf);

describe('an explanation', () => {
  it.each([
    ['NO_SOCKET', 'reason'],
    ['UdpNoPorts', 'counter'],
    ['blackhole_route', 'trap'],
  ])('of %s is of a %s', (name, kind) => {
    expect(entryOf(name)).toMatchObject({ name, kind });
  });

  it('is found by the name as people and other releases write it', () => {
    const entry = entryOf('SOCKET_FILTER');
    expect(entry.aliases).toContain('TCP_FILTER');
    for (const name of ['SKB_DROP_REASON_SOCKET_FILTER', 'socket-filter', 'TCP_FILTER', 'tcp filter']) {
      expect(explain(name)).toEqual(entry);
    }
    expect(explain('BRAND_NEW')).toBeUndefined();
    expect(explain('')).toBeUndefined();
  });

  it('of each name is its own, whole and without empty lists', () => {
    expect(new Set(allNames()).size).toBe(allNames().length);
    for (const name of allNames()) {
      const entry = entryOf(name);
      expect(entry.name).toBe(name);
      expect(entry.means).not.toBe('');
      expect(entry.found_in).not.toBe('');
      for (const key of ['counts', 'parts', 'part_of', 'see', 'causes', 'aliases'] as const) {
        expect(entry[key]?.length, `${key} of ${name}`).not.toBe(0);
      }
      if (entry.kind === 'reason') expect(entry.counted_by).toBeDefined();
    }
  });

  it('of a statistic that the catalog does not name is that of any', () => {
    const any = entryOf('ethtool_statistic');
    expect(explain('ethtool_rx_brand_new')).toEqual({ ...any, name: 'ethtool_rx_brand_new' });
  });
});

describe('what refers to an entry', () => {
  it('are the reasons that a counter counts, with function and protocol', () => {
    const { counts = [] } = entryOf('UdpNoPorts');
    const places = counts.filter(({ reason }) => reason === 'NO_SOCKET');
    expect(places.length).toBeGreaterThan(0);
    for (const { protocol = 'IPv4', function: fn = '__udp4_lib_rcv' } of places) {
      const named = countersOf('NO_SOCKET', fn, protocol).map(({ counter }) => counter);
      expect(named).toContain('UdpNoPorts');
    }
  });

  it('is said from both sides: what a reason is counted by counts it, and what is a part has it for a sum', () => {
    let rows = 0;
    for (const { name, counted_by = [], places = {}, part_of = [] } of all) {
      const inPlaces = Object.entries(places).flatMap(([fn, place]) =>
        (place.counted_by ?? []).map((row) => ({ function: fn, ...row })),
      );
      for (const { counter, ...row } of [...counted_by, ...inPlaces]) {
        expect(entryOf(counter).counts, `${counter} of ${name}`).toContainEqual({ reason: name, ...row });
        rows++;
      }
      for (const sum of part_of) expect(entryOf(sum).parts, sum).toContain(name);
    }
    const counts = all.reduce((sum, entry) => sum + (entry.counts?.length ?? 0), 0);
    expect(counts).toBe(rows);
    const parts = all.reduce((sum, entry) => sum + (entry.parts?.length ?? 0), 0);
    expect(parts).toBe(all.reduce((sum, entry) => sum + (entry.part_of?.length ?? 0), 0));
    expect([rows > 100, parts > 5]).toEqual([true, true]);
  });

  it('are the parts of a sum', () => {
    expect(entryOf('UdpInErrors').parts).toEqual(
      expect.arrayContaining(['UdpRcvbufErrors', 'UdpInCsumErrors', 'UdpMemErrors']),
    );
    expect(entryOf('UdpRcvbufErrors').part_of).toContain('UdpInErrors');
  });
});

describe('what a function makes of a reason', () => {
  it('has its rules and its text together', () => {
    const { places = {} } = entryOf('SOCKET_RCVBUFF');
    expect(places['raw_rcv']).toEqual({
      alarm: 50,
      severity: 'warning',
      means: "A raw socket's buffer was full; other receivers of the packet have theirs.",
    });
  });

  it('is its meaning there; elsewhere it is that of the reason, and of an unknown one its name', () => {
    const entry = entryOf('SOCKET_RCVBUFF');
    expect(dropMeaning('SOCKET_RCVBUFF', 'raw_rcv')).toBe(entry.places?.['raw_rcv']?.means);
    expect(dropMeaning('SOCKET_RCVBUFF', 'udp_queue_rcv_one_skb')).toBe(entry.means);
    expect(dropMeaning('BRAND_NEW', 'f')).toBe('The kernel dropped packets for BRAND_NEW.');
  });
});

describe('a search', () => {
  it('finds names that have all words, the shorter first, then meanings that do', () => {
    const words = ['udp', 'rcvbuf'];
    const found = search('udp RCVBUF');
    expect(found.slice(0, 2)).toEqual(['UdpRcvbufErrors', 'Udp6RcvbufErrors']);
    expect(new Set(found).size).toBe(found.length);
    const has = (text: string) => words.every((word) => text.toLowerCase().includes(word));
    const named = found.map((name) => [name, ...(entryOf(name).aliases ?? [])].some(has));
    expect(named).toEqual([...named].sort((a, b) => Number(b) - Number(a)));
    for (const name of found) {
      const { aliases = [], means } = entryOf(name);
      expect([name, ...aliases, means].some(has), name).toBe(true);
    }
    const lengths = found.filter((_, i) => named[i]).map(({ length }) => length);
    expect(lengths).toEqual([...lengths].sort((a, b) => a - b));
  });

  it('finds what has a name in another release', () => {
    expect(search('tcp_filter')).toContain('SOCKET_FILTER');
  });

  it('finds all for what is in all of them, and nothing for what is in none, or for no words', () => {
    expect(search('zyzzyva')).toEqual([]);
    expect(search(' _-/ ')).toEqual([]);
    expect(search('NO_SOCKET')[0]).toBe('NO_SOCKET');
  });
});
