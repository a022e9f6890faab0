import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Recorder } from '../../testing/recorder.ts';
import { DevParser } from './dev.ts';
import { Growth } from './growth.ts';
import { MibParser } from './mib.ts';
import { Mib6Parser } from './mib6.ts';
import { SoftnetParser } from './softnet.ts';
import { StatParser } from './stat.ts';
import type { TableParser } from './table.ts';

const PARSERS: Readonly<Record<string, (growth: Growth) => TableParser>> = {
  mib: (growth) => new MibParser(growth),
  mib6: (growth) => new Mib6Parser(growth),
  stat: (growth) => new StatParser(growth, 'nf_conntrack'),
  softnet: (growth) => new SoftnetParser(growth),
  dev: (growth) => new DevParser(growth, (name) => name.startsWith('eth')),
};

/** Parses texts one after the other; returns what was reported and the malformed lines of each. */
function parse(kind: string, ...texts: string[]): Recorder & { malformed: number[] } {
  const parser = PARSERS[kind]?.(new Growth());
  if (!parser) throw new Error(`no parser ${kind}`);
  const into = new Recorder();
  const malformed = texts.map((text) => {
    const bytes = Buffer.from(text);
    return parser.parse(bytes, bytes.length, into);
  });
  return Object.assign(into, { malformed });
}

const DEV_HEADER =
  'Inter-|   Receive                 |  Transmit\n face |bytes packets errs drop|bytes packets errs drop colls\n';

describe('snmp and netstat', () => {
  it('names counters as nstat does and leaves gauges out', () => {
    const text = (n: number) =>
      `Tcp: RtoMin MaxConn CurrEstab InSegs\nTcp: ${n} -1 ${n} ${n}\nTcpExt: ListenDrops\nTcpExt: ${n * 2}\n`;
    expect(parse('mib', text(10), text(13))).toEqual({
      counters: { TcpInSegs: 3, TcpExtListenDrops: 6 },
      losses: {},
      malformed: [0, 0],
    });
  });

  it('follows columns and protocols that come, move and go', () => {
    const result = parse(
      'mib',
      'Udp: InDatagrams NoPorts\nUdp: 10 20\n',
      'Udp: NoPorts MemErrors InDatagrams\nUdp: 21 7 12\nIcmpMsg: OutType3\nIcmpMsg: 4\n',
      'Udp: InDatagrams\nUdp: 13\nIcmpMsg: OutType3 OutType8\nIcmpMsg: 5 1\n',
    );
    // MemErrors and IcmpMsg are new and began at zero.
    expect(result.counters).toEqual({
      UdpInDatagrams: 3,
      UdpNoPorts: 1,
      UdpMemErrors: 7,
      IcmpMsgOutType3: 5,
      IcmpMsgOutType8: 1,
    });
  });

  it.each([
    ['a value too few', 'Udp: A B\nUdp: 1\n', 1],
    ['a value too many', 'Udp: A B\nUdp: 1 2 3\n', 1],
    ['a value that is no number', 'Udp: A B\nUdp: 1 x\n', 1],
    ['a negative counter', 'Udp: A B\nUdp: 1 -2\n', 1],
    ['names without values', 'Udp: A B\n', 1],
    ['values of another protocol', 'Udp: A B\nTcp: 1 2\n', 2],
    ['a line without protocol', 'nonsense\nUdp: A B\nUdp: 5 6\n', 1],
    ['an empty line', '\nUdp: A B\nUdp: 5 6\n', 1],
  ])('passes over %s', (_, text, malformed) => {
    const result = parse('mib', 'Udp: A B\nUdp: 1 2\n', text, 'Udp: A B\nUdp: 5 7\n');
    expect(result.malformed).toEqual([0, malformed, 0]);
    expect(result.counters).toEqual({ UdpA: 4, UdpB: 5 });
  });

  it('does not take what a malformed first reading hid for growth', () => {
    const result = parse(
      'mib',
      'Udp: A B\nUdp: 1000 x\n',
      'Udp: A B\nUdp: 1001 2000\n',
      'Udp: A B\nUdp: 1002 2003\n',
    );
    expect(result.counters).toEqual({ UdpA: 1, UdpB: 3 });
  });

  it('reads what is generated exactly', () => {
    const name = fc.stringMatching(/^[A-Z][A-Za-z0-9]{0,8}$/);
    const table = fc.dictionary(
      name,
      fc.dictionary(name, fc.tuple(fc.nat(), fc.nat({ max: 1e6 })), { minKeys: 1 }),
    );
    fc.assert(
      fc.property(table, (protocols) => {
        const text = (value: (pair: readonly [number, number]) => number) =>
          Object.entries(protocols)
            .map(([protocol, columns]) => {
              const values = Object.values(columns).map(value);
              return `${protocol}: ${Object.keys(columns).join(' ')}\n${protocol}: ${values.join(' ')}\n`;
            })
            .join('');
        const result = parse(
          'mib',
          text(([from]) => from),
          text(([from, by]) => from + by),
        );
        const expected: Record<string, number> = {};
        for (const [protocol, columns] of Object.entries(protocols)) {
          for (const [column, [, by]] of Object.entries(columns)) {
            const key = protocol + column;
            if (by > 0) expected[key] = (expected[key] ?? 0) + by;
          }
        }
        // Two protocols may make one name between them: then one counter is seen twice, and nothing can be said.
        const names = Object.entries(protocols).flatMap(([p, columns]) =>
          Object.keys(columns).map((c) => p + c),
        );
        fc.pre(new Set(names).size === names.length);
        expect(result).toEqual({ counters: expected, losses: {}, malformed: [0, 0] });
      }),
    );
  });
});

describe('snmp6', () => {
  it('reads a counter a line, wherever it stands', () => {
    const result = parse(
      'mib6',
      'Ip6InReceives   1\nIp6InDiscards 2\n',
      'Ip6InDiscards\t5\nIp6InReceives 11\nIcmp6OutType1 3\n',
    );
    expect(result).toEqual({
      counters: { Ip6InReceives: 10, Ip6InDiscards: 3, Icmp6OutType1: 3 },
      losses: {},
      malformed: [0, 0],
    });
  });

  it.each(['Ip6InReceives', 'Ip6InReceives x', 'Ip6InReceives -1', 'Ip6InReceives 1 2', '', ' 7'])(
    'passes over %j',
    (line) => {
      const result = parse('mib6', 'A 1\nIp6InReceives 1\n', `A 2\n${line}\n`, 'A 3\nIp6InReceives 2\n');
      expect(result).toEqual({ counters: { A: 2, Ip6InReceives: 1 }, losses: {}, malformed: [0, 1, 0] });
    },
  );
});

describe('softnet_stat', () => {
  it('adds up CPUs, knows one by its number, and keeps the counts of one that goes offline', () => {
    const line = (cpu: number, processed: number, rps: number) =>
      [processed, 0, 0, 0, 0, 0, 0, 0, 0, rps, 0, 9, cpu, 1, 1]
        .map((n) => n.toString(16).padStart(8, '0'))
        .join(' ');
    const result = parse(
      'softnet',
      `${line(0, 10, 1)}\n${line(1, 100, 2)}\n${line(2, 1000, 3)}\n`,
      `${line(0, 11, 1)}\n${line(2, 1005, 4)}\n`,
      `${line(0, 12, 1)}\n${line(1, 103, 2)}\n${line(2, 1005, 4)}\n`,
    );
    expect(result).toEqual({
      counters: { softnet_processed: 10, softnet_received_rps: 1 },
      losses: {},
      malformed: [0, 0, 0],
    });
  });

  it('reads the three columns that every kernel has, and wraps at 32 bits', () => {
    const result = parse('softnet', 'fffffffe 00000001 00000002\n', '00000003 00000002 00000002\n');
    expect(result.counters).toEqual({ softnet_processed: 5, softnet_dropped: 1 });
  });

  it.each(['00000001 00000002', '00000001 00000002 zz', '100000000 0 0', '', '1 2 3 4 5 6 7 8 9 a b c ffff'])(
    'passes over %j',
    (line) => {
      expect(parse('softnet', '1 2 3\n', `${line}\n`, '4 2 3\n')).toEqual({
        counters: { softnet_processed: 3 },
        losses: {},
        malformed: [0, 1, 0],
      });
    },
  );
});

describe('stat', () => {
  const header = 'entries  clashres found insert_failed';

  it('adds up CPUs, names counters by file and column, and leaves the level out', () => {
    const result = parse(
      'stat',
      `${header}\n00000010 00000000 00000001 fffffffe\n00000010 00000005 00000000 00000002\n`,
      `${header}\n00000014 00000001 00000001 00000003\n00000014 00000007 00000000 0000000a\n`,
    );
    expect(result).toEqual({
      counters: { nf_conntrack_clashres: 3, nf_conntrack_insert_failed: 13 },
      losses: {},
      malformed: [0, 0],
    });
  });

  it('begins anew where the columns change', () => {
    const result = parse('stat', 'a b\n1 1\n', 'b a\n9 9\n', 'b a\n9 c\n');
    expect(result).toEqual({ counters: { nf_conntrack_a: 3 }, losses: {}, malformed: [0, 0, 0] });
  });

  it.each(['1', '1 2 3', '1 x', '1 -2', '100000000 1', ''])('passes over %j', (line) => {
    const result = parse('stat', 'a b\n1 1\n', `a b\n${line}\n`, 'a b\n3 1\n');
    expect(result).toEqual({ counters: { nf_conntrack_a: 2 }, losses: {}, malformed: [0, 1, 0] });
  });

  it('is one malformed line when it has no header', () => {
    expect(parse('stat', '').malformed).toEqual([1]);
    expect(parse('stat', '\n1 2\n').malformed).toEqual([1]);
  });

  it('reports what any number of CPUs and columns grew by, whatever they are called', () => {
    const value = fc.integer({ min: 0, max: 0xffff_ffff });
    const table = fc
      .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 5 }))
      .chain(([columns, cpus]) => {
        const row = fc.array(fc.tuple(value, fc.nat(0xffff)), { minLength: columns, maxLength: columns });
        return fc.array(row, { minLength: cpus, maxLength: cpus });
      });
    fc.assert(
      fc.property(table, (rows) => {
        const names = (rows[0] ?? []).map((_, i) => `c${i}`);
        const text = (of: (before: number, growth: number) => number) =>
          `${names.join(' ')}\n${rows
            .map((row) => row.map(([n, growth]) => (of(n, growth) >>> 0).toString(16)).join(' '))
            .join('\n')}\n`;
        const result = parse(
          'stat',
          text((n) => n),
          text((n, growth) => n + growth),
        );
        const sums = names.map((name, i) => {
          const sum = rows.reduce((total, row) => total + (row[i]?.[1] ?? 0), 0);
          return [`nf_conntrack_${name}`, sum] as const;
        });
        expect(result.counters).toEqual(Object.fromEntries(sums.filter(([, sum]) => sum > 0)));
        expect(result).toMatchObject({ losses: {}, malformed: [0, 0] });
      }),
    );
  });
});

describe('dev', () => {
  const dev = (...lines: string[]) => `${DEV_HEADER}${lines.join('\n')}\n`;

  it('reports traffic of uplinks, trouble of all, and the denominator', () => {
    const result = parse(
      'dev',
      dev('eth0: 1000 10 1 1 2000 20 1 1 0', '  br0: 1000 10 1 1 2000 20 1 1 0'),
      dev('eth0: 1500 15 2 4 2700 27 1 1 5', '  br0: 1500 15 2 4 2700 27 1 1 0'),
    );
    expect(result.counters).toEqual({
      'rx_bytes@eth0': 500,
      'rx_packets@eth0': 5,
      'rx_errors@eth0': 1,
      'rx_dropped@eth0': 3,
      'tx_bytes@eth0': 700,
      'tx_packets@eth0': 7,
      'collisions@eth0': 5,
      'rx_errors@br0': 1,
      'rx_dropped@br0': 3,
      received_packets: 5,
      sent_packets: 7,
    });
  });

  it('begins anew with an interface that vanished and came back, or that came along', () => {
    const eth = (name: string, packets: number) => `${name}: 0 ${packets} 0 0 0 0 0 0 0`;
    const result = parse(
      'dev',
      dev(eth('eth0', 10), eth('eth1', 100)),
      dev(eth('eth1', 101)),
      dev(eth('eth2', 5000), eth('eth0', 1000), eth('eth1', 102)),
      dev(eth('eth0', 1003), eth('eth2', 5001), eth('eth1', 102)),
    );
    expect(result.counters).toEqual({
      'rx_packets@eth0': 3,
      'rx_packets@eth1': 2,
      'rx_packets@eth2': 1,
      received_packets: 6,
    });
  });

  it.each([
    ['no colon', 'eth0 1 2 3 4 5 6 7 8 9'],
    ['too few columns', 'eth0: 1 2 3'],
    ['too many columns', 'eth0: 1 2 3 4 5 6 7 8 9 10'],
    ['no number', 'eth0: 1 2 3 x 5 6 7 8 9'],
    ['a name too long', 'eth0123456789abcdef: 1 2 3 4 5 6 7 8 9'],
    ['no name', ': 1 2 3 4 5 6 7 8 9'],
    ['the same interface twice', 'eth9: 0 0 0 0 0 0 0 0 0'],
  ])('passes over a line with %s', (_, line) => {
    const whole = (packets: number) => `eth9: 0 ${packets} 0 0 0 0 0 0 0`;
    const result = parse('dev', dev(whole(1)), dev(whole(2), line), dev(whole(3)));
    expect(result.malformed).toEqual([0, 1, 0]);
    expect(result.counters).toEqual({ 'rx_packets@eth9': 2, received_packets: 2 });
  });

  it('is one malformed line when its header is', () => {
    expect(parse('dev', '').malformed).toEqual([1]);
    expect(parse('dev', 'one line\n').malformed).toEqual([1]);
    expect(parse('dev', 'no\ncolumns\neth0: 1\n').malformed).toEqual([1]);
  });
});

describe.each(Object.keys(PARSERS))('the parser %s', (kind) => {
  /** Text that looks like the files now and then. */
  const word = fc.oneof(
    fc.constantFrom(
      'Tcp:',
      'Udp:',
      'A',
      'B',
      'eth0:',
      'lo:',
      '0',
      '00000001',
      '-1',
      '4294967295',
      'face |bytes|bytes',
    ),
    fc.nat().map(String),
    fc.string({ maxLength: 5 }),
  );
  const text = fc
    .array(fc.array(word, { maxLength: 12 }), { maxLength: 12 })
    .map((lines) => lines.map((line) => line.join(' ')).join('\n'));
  const prefix = fc.constantFrom('', DEV_HEADER);

  it('accepts any bytes: reports positive integers, or lines that it passed over', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.uint8Array(), text), { maxLength: 4 }), prefix, (inputs, header) => {
        const parser = PARSERS[kind]?.(new Growth());
        const into = new Recorder();
        for (const input of inputs) {
          const bytes = Buffer.concat([Buffer.from(header), Buffer.from(input as string)]);
          const malformed = parser?.parse(bytes, bytes.length, into) ?? -1;
          expect(malformed).toBeGreaterThanOrEqual(0);
          expect(malformed).toBeLessThanOrEqual(bytes.toString('latin1').split('\n').length + 1);
        }
        for (const delta of Object.values(into.counters)) {
          expect(Number.isSafeInteger(delta) && delta > 0).toBe(true);
        }
      }),
    );
  });

  it('remembers layouts without being misled by them: reading a file twice reports nothing the second time', () => {
    fc.assert(
      fc.property(text, text, prefix, (first, second, header) => {
        const parser = PARSERS[kind]?.(new Growth());
        const read = (body: string) => {
          const into = new Recorder();
          const bytes = Buffer.from(header + body);
          parser?.parse(bytes, bytes.length, into);
          return into;
        };
        read(first);
        read(second);
        const again = read(second);
        // Names that stand twice in a file with different values are the one exception.
        fc.pre(Object.keys(read(second).losses).length === 0 && isConsistent(second));
        expect(again.counters).toEqual({});
      }),
    );
  });
});

/** Whether no word stands twice at the beginning of lines, or within one. */
function isConsistent(text: string): boolean {
  const words = text.split('\n').flatMap((line) => [...new Set([line.trim().split(/[ :\t]/)[0]])]);
  const repeated = new Set(words).size !== words.length;
  const within = text
    .split('\n')
    .some((line) => new Set(line.split(/\s+/)).size !== line.split(/\s+/).length);
  return !repeated && !within;
}
