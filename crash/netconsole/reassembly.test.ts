import { describe, expect, it } from 'vitest';
import { basicDatagrams, basicText, extendedDatagrams, type LogRecord } from '../../test/load/netconsole.ts';
import type { HeardCrash } from '../heard.ts';
import type { SenderKey } from '../senders.ts';
import { type NetconsoleOptions, NetconsoleReassembly } from './reassembly.ts';

const QUIET_US = 5_000_000;
const all = () => true;

class Bed {
  readonly begun: string[] = [];
  readonly lost: HeardCrash[] = [];
  readonly reassembly: NetconsoleReassembly;
  nowUs = 1_000_000;

  constructor(options: Partial<NetconsoleOptions> = {}) {
    const limits = { senders: 64, newSendersPerS: 1e9, senderPerS: 1e9, senderBurst: 1e9, totalPerS: 1e9 };
    const sizes = { maxBytes: 1024 * 1024, maxLogBytes: 64 * 1024, contextBytes: 4096 };
    const times = { quietUs: QUIET_US, longestUs: 120_000_000 };
    this.reassembly = new NetconsoleReassembly(
      { limits, ...sizes, ...times, isKnown: () => false, seed: 1, ...options },
      {
        began: ({ beginning }) =>
          this.begun.push(`${beginning?.kind}: ${beginning?.text} at ${beginning?.uptimeUs}`),
        lost: (crash) => this.lost.push(crash),
      },
    );
  }

  send(datagrams: Iterable<Uint8Array>, d = 1): void {
    for (const datagram of datagrams) {
      const bytes = Buffer.from(datagram);
      this.reassembly.take(sender(d), bytes, 0, bytes.length, this.nowUs++);
    }
  }

  settleLater(us = QUIET_US): string[] {
    this.nowUs += us;
    return this.reassembly.settle(this.nowUs, all).map(text);
  }

  losses(): Record<string, number> {
    const losses: Record<string, number> = {};
    this.reassembly.takeLosses((hop, count) => {
      losses[hop] = count;
    });
    return losses;
  }
}

function sender(d: number): SenderKey {
  return { a: 0, b: 0, c: 0xffff, d, stream: 0 };
}

function text(crash: HeardCrash): string {
  return Buffer.from(crash.assemble().bytes).toString();
}

let seq = 0;
function line(message: string, uptimeUs: number): LogRecord {
  return { text: message, uptimeUs, priority: 4, seq: seq++ };
}

function panic(fromUs: number): LogRecord[] {
  return [
    line('sysrq: Trigger a crash', fromUs),
    line('Kernel panic - not syncing: sysrq triggered crash', fromUs + 10),
    line('CPU: 0 PID: 77 Comm: sh Not tainted 6.1.0-50-amd64 #1', fromUs + 20),
    line('---[ end Kernel panic - not syncing: sysrq triggered crash ]---', fromUs + 30),
  ];
}

describe.each([
  ['extended', (record: LogRecord) => extendedDatagrams(record)],
  ['basic', (record: LogRecord) => basicDatagrams(record)],
] as const)('%s netconsole', (_, datagrams) => {
  const send = (bed: Bed, records: readonly LogRecord[], d = 1) => bed.send(records.flatMap(datagrams), d);
  const printed = (records: readonly LogRecord[]) => records.map((record) => basicText(record)).join('');

  it('tells of a panic at once, and of its log a second after its last words', () => {
    const bed = new Bed();
    const before = line('eth0: link up', 5_000_000);
    const dying = panic(7_000_000);
    send(bed, [before]);
    expect(bed.settleLater()).toEqual([]);
    send(bed, dying.slice(0, 2));
    expect(bed.begun).toEqual(['panic: Kernel panic - not syncing: sysrq triggered crash at 7000010']);
    expect(bed.settleLater(1_000_000)).toEqual([]);
    send(bed, dying.slice(2));
    expect(bed.settleLater(1_000_000)).toEqual([printed([before, ...dying])]);
    expect(bed.begun).toHaveLength(1);
    expect([bed.losses(), bed.lost]).toEqual([{}, []]);
  });

  it('names what follows the mark before a report, not the mark', () => {
    const bed = new Bed();
    send(bed, [line('------------[ cut here ]------------', 1_000_000)]);
    expect(bed.begun).toEqual([]);
    send(bed, [line('kernel BUG at lib/list_debug.c:59!', 1_000_001)]);
    expect(bed.begun).toEqual(['oops: kernel BUG at lib/list_debug.c:59! at 1000001']);
    expect(bed.settleLater()).toHaveLength(1);
  });

  it('goes by the gravest of what a crash tells of, and says so at once', () => {
    const bed = new Bed();
    send(bed, [line('WARNING: CPU: 0 PID: 1 at kernel/x.c:1 f+0x1/0x2', 1_000_000)]);
    send(bed, [line('------------[ cut here ]------------', 2_000_000)]);
    send(bed, [line('kernel BUG at lib/list_debug.c:59!', 2_000_001)]);
    send(bed, [line('Kernel panic - not syncing: Fatal exception', 2_000_002)]);
    expect(bed.begun).toEqual([
      'warning: WARNING: CPU: 0 PID: 1 at kernel/x.c:1 f+0x1/0x2 at 1000000',
      'oops: kernel BUG at lib/list_debug.c:59! at 2000001',
    ]);
    expect(bed.settleLater()).toHaveLength(1);
  });

  it('ends a crash after which the host goes on', () => {
    const bed = new Bed();
    send(bed, [line('WARNING: CPU: 0 PID: 1 at kernel/x.c:1 f+0x1/0x2', 1_000_000)]);
    for (let i = 1; i <= 29; i++) {
      send(bed, [line('all is well', 1_000_000 + i * 1_000_000)]);
      expect(bed.settleLater(1_000_000)).toEqual([]);
    }
    send(bed, [line('all is well', 31_000_000)]);
    expect(bed.settleLater(1_000_000)).toHaveLength(1);
    send(bed, [line('BUG: unable to handle page fault for address: 00000000deadbeef', 90_000_000)]);
    expect(bed.begun).toHaveLength(2);
  });

  it('keeps what was before a crash, and no more than it may', () => {
    const bed = new Bed();
    const chatter = Array.from({ length: 500 }, (__, i) => line(`message ${i} of many`, i * 1000));
    send(bed, chatter);
    expect(bed.reassembly.bytes).toBeLessThanOrEqual(4096);
    const dying = panic(1_000_000);
    send(bed, dying);
    const [log = ''] = bed.settleLater();
    expect(log.endsWith(printed([...chatter.slice(-20), ...dying]))).toBe(true);
    expect(log.length).toBeLessThanOrEqual(4096 + 1000);
  });

  it('does not take what a host says after a reboot for the crash before it', () => {
    const bed = new Bed();
    const dying = panic(500_000_000);
    send(bed, dying);
    send(bed, [line('Linux version 6.1.0-50-amd64', 0), line('Command line: quiet', 10)]);
    expect(bed.settleLater(0)).toEqual([printed(dying)]);
    const again = panic(3_000_000);
    send(bed, again);
    const [second = ''] = bed.settleLater();
    expect(second.endsWith(printed(again))).toBe(true);
    expect(second).not.toContain('[  500.');
  });

  it('leaves room for a host that dies when memory is full', () => {
    const bed = new Bed({ maxBytes: 16 * 2048 });
    for (let d = 100; d < 140; d++) {
      send(
        bed,
        Array.from({ length: 40 }, (__, i) => line(`well ${i} ${'x'.repeat(100)}`, 1_000_000 + i)),
        d,
      );
    }
    for (let d = 1; d <= 4; d++) send(bed, panic(1_000_000), d);
    expect(bed.settleLater()).toHaveLength(4);
    expect(bed.losses()).toEqual({});
  });

  it('keeps no more crashes of one sender than a few', () => {
    const bed = new Bed({ isKnown: ({ d }) => d === 1 });
    send(bed, panic(1_000_000), 1);
    for (let i = 0; i < 500; i++) {
      send(bed, [line('Kernel panic - not syncing: again', 100_000_000)], 2);
      send(bed, [line('up', 0)], 2);
    }
    expect(bed.settleLater()).toHaveLength(5);
    expect(bed.lost.filter(({ isKnown }) => isKnown)).toEqual([]);
    expect(bed.lost).toHaveLength(496);
  });

  it('keeps hosts apart, and their crashes when there is no room for all', () => {
    const bed = new Bed({ maxBytes: 16 * 2048 });
    for (let d = 1; d <= 8; d++) send(bed, panic(1_000_000), d);
    for (let d = 100; d < 1000; d++) send(bed, [line('well', 1_000_000)], d);
    expect(bed.reassembly.bytes).toBeLessThanOrEqual(16 * 2048);
    expect(bed.settleLater()).toHaveLength(8);
    expect(bed.lost).toEqual([]);
  });

  it('says what it has of a crash when there is enough of it', () => {
    const bed = new Bed();
    send(bed, panic(1_000_000).slice(0, 3));
    send(
      bed,
      Array.from({ length: 700 }, (__, i) => line(`${'x'.repeat(100)}${i}`, 1_100_000 + i)),
    );
    const [log = ''] = bed.settleLater(0);
    expect(log).toContain('Kernel panic');
    expect(log.length).toBeGreaterThan(30_000);
  });
});

describe('netconsole', () => {
  it('sent both ways is two crashes of one sender', () => {
    const bed = new Bed();
    const dying = panic(1_000_000);
    bed.send(dying.flatMap((record) => [...extendedDatagrams(record), ...basicDatagrams(record)]));
    expect(bed.begun).toHaveLength(2);
    expect(new Set(bed.settleLater())).toEqual(new Set([dying.map((record) => basicText(record)).join('')]));
  });

  it('counts messages that the network lost, and takes back those that come late', () => {
    const bed = new Bed();
    const numbered = (msgid: number) =>
      extendedDatagrams(line('x', 1), { userdata: [['msgid', String(msgid)]] });
    bed.send([1, 2, 5].flatMap(numbered));
    expect(bed.losses()).toEqual({ network: 2 });
    bed.send([7, 6, 6, 8].flatMap(numbered));
    expect(bed.losses()).toEqual({});
    bed.send([2 ** 31, 2 ** 31 + 1].flatMap(numbered));
    expect(bed.losses()).toEqual({ network: 2 ** 31 - 9 });
  });

  it('takes no part of a number for one, wherever fragments cut it', () => {
    const bed = new Bed();
    const userdata = (msgid: number): [string, string][] => [
      ['release', '6.17.2'],
      ['msgid', String(msgid)],
    ];
    for (let length = 900; length < 960; length++) {
      const record = line('x'.repeat(length), 1);
      bed.send(extendedDatagrams(record, { userdata: userdata(1_000_000_000 + length) }));
    }
    expect(bed.losses()).toEqual({});
  });

  it('says the release that comes with messages', () => {
    const bed = new Bed();
    bed.send(panic(1_000_000).flatMap((record) => extendedDatagrams(record, { release: '6.12.57-amd64' })));
    bed.nowUs += QUIET_US;
    expect(bed.reassembly.settle(bed.nowUs, all)).toMatchObject([{ kernel: '6.12.57-amd64' }]);
  });

  it('does not mix two boots, however early the first one ended', () => {
    const bed = new Bed();
    const say = (n: number, uptimeUs: number, message: string) =>
      extendedDatagrams({ text: message, uptimeUs, priority: 4, seq: n });
    for (let i = 0; i < 150; i++) bed.send(say(i, 1_000_000 + i * 1000, `boot one, message ${i}`));
    bed.send(say(40, 900_000, 'boot two'));
    bed.send(say(45, 910_000, 'Kernel panic - not syncing: early'));
    const [log = ''] = bed.settleLater();
    expect(log).toBe('[    0.900000] boot two\n[    0.910000] Kernel panic - not syncing: early\n');
  });

  it('takes back what comes late of what it told of as lost', () => {
    const bed = new Bed();
    const numbered = (msgid: number) =>
      extendedDatagrams(line('x', 1), { userdata: [['msgid', String(msgid)]] });
    bed.send([1, 2, 5].flatMap(numbered));
    expect(bed.losses()).toEqual({ network: 2 });
    bed.send([3, 4, 8].flatMap(numbered));
    expect(bed.losses()).toEqual({});
    bed.send([11].flatMap(numbered));
    expect(bed.losses()).toEqual({ network: 2 });
  });

  it('counts what cannot be', () => {
    const bed = new Bed();
    bed.send([Buffer.from('6,1,2,-,ncfrag=30/31;ab'), Buffer.from('')]);
    expect(bed.losses()).toEqual({ malformed: 2 });
  });

  it('has all that was not told of at the end', () => {
    const bed = new Bed();
    bed.send(
      panic(1_000_000)
        .slice(0, 2)
        .flatMap((record) => extendedDatagrams(record)),
    );
    expect(bed.reassembly.settleAll(all).map(text)).toHaveLength(1);
    expect(bed.reassembly.settleAll(all)).toEqual([]);
  });
});
