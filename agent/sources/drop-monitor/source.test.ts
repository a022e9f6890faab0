import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DropOrigin, type DropSample } from '@netfall/proto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Collector, type DropRow, Suspended } from '../../source.ts';
import { captureByDropMonitor } from './capture.ts';
import { DropMonitorSource, type DropMonitorSourceOptions } from './source.ts';
import { hardwareSummary, message, packetAlert, summaryAlert } from './testing/alert-writer.ts';
import { FakeKernel } from './testing/fake-kernel.ts';
import { FRESH } from './testing/fake-monitor.ts';
import { Attribute, Command } from './wire.ts';

const SOFTWARE = DropOrigin.DROP_ORIGIN_SOFTWARE;
const HARDWARE = DropOrigin.DROP_ORIGIN_HARDWARE;
const SYMBOL = '__udp4_lib_rcv+0x9a2/0xc30';
const PC = 0xffff_ffff_8123_4567n;
/** An Ethernet header and an IPv4 header with a UDP header, from 192.0.2.1:5 to 192.0.2.2:9. */
const PAYLOAD = Buffer.from(
  '02000000000102000000000208004500001c000000004011000cc0000201c0000202000500090008 0000'.replace(' ', ''),
  'hex',
);

let root: string;
let kernel: FakeKernel;
let nowUs: number;
let cpuUs: number;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'netfall-drop-monitor-'));
  mkdirSync(join(root, 'proc/sys/kernel/random'), { recursive: true });
  writeFileSync(join(root, 'proc/sys/kernel/random/boot_id'), 'boot\n');
  kernel = new FakeKernel();
  nowUs = 1_800_000_000_000_000;
  cpuUs = 0;
});

afterEach(() => rmSync(root, { recursive: true }));

function source(options: Partial<DropMonitorSourceOptions> = {}): DropMonitorSource {
  return new DropMonitorSource({
    ...{ root, mode: 'packet', truncationBytes: 128, queueLength: 1000, receiveBufferBytes: 1 << 20 },
    ...{ hardware: true, samples: true, maxCpuPercent: 20, counting: () => 'drop-monitor', kernel },
    nowUs: () => nowUs,
    cpuUs: () => cpuUs,
    ...options,
  });
}

/** What a source says when it is asked once. */
function collect(from: DropMonitorSource) {
  const rows: DropRow[] = [];
  const samples: DropSample[] = [];
  const losses: Record<string, number> = {};
  const into: Collector = {
    drop: (row) => rows.push({ ...row }),
    counter: () => expect.unreachable(),
    wantsSample: () => true,
    sample: (sample) => samples.push(sample),
    loss: (hop, count) => {
      losses[hop] = count;
    },
  };
  from.collect(into);
  return { rows, samples, losses };
}

const udp = { pc: PC, reason: 'NO_SOCKET', symbol: SYMBOL, inIndex: 1, protocol: 0x0800, payload: PAYLOAD };

describe('the source drop-monitor', () => {
  it('counts packets by reason, place, protocol and origin', () => {
    const counting = source();
    counting.start();
    kernel.send(
      packetAlert({ ...udp, originalBytes: 100 }),
      packetAlert(udp),
      packetAlert({ ...udp, reason: 'UDP_CSUM', originalBytes: 7 }),
      packetAlert({ ...udp, protocol: 0x86dd, originalBytes: 60 }),
      packetAlert({ ...udp, protocol: 0x1234, originalBytes: 1 }),
      packetAlert({ ...udp, protocol: 0x4321, originalBytes: 1 }),
      packetAlert({ pc: PC + 1n, symbol: 'nft_do_chain+0x10/0x20 [nf_tables]' }),
      packetAlert({
        origin: 1,
        trap: 'blackhole_route',
        trapGroup: 'l3_drops',
        originalBytes: 80,
        protocol: 0x0800,
      }),
    );
    const row = (more: Partial<DropRow>) => ({
      ...{ reason: 'NO_SOCKET', function: '__udp4_lib_rcv', offset: 0x9a2, module: '', protocol: 'IPv4' },
      ...{ origin: SOFTWARE, trap: '', events: 1, packets: 1, bytes: 0 },
      ...more,
    });
    const { rows, losses } = collect(counting);
    expect(rows).toEqual([
      row({ events: 2, packets: 2, bytes: 100 + PAYLOAD.length }),
      row({ reason: 'UDP_CSUM', bytes: 7 }),
      row({ protocol: 'IPv6', bytes: 60 }),
      row({ protocol: 'other', events: 2, packets: 2, bytes: 2 }),
      row({
        reason: 'NOT_SPECIFIED',
        function: 'nft_do_chain',
        offset: 0x10,
        module: 'nf_tables',
        protocol: 'none',
      }),
      row({
        ...{ reason: 'blackhole_route', function: '', offset: 0, trap: 'blackhole_route' },
        ...{ origin: HARDWARE, bytes: 80 },
      }),
    ]);
    expect(losses).toEqual({});
    expect(collect(counting).rows).toEqual([]);
    counting.stop();
  });

  it('shows the first packet of a kind and a collection', () => {
    const counting = source();
    counting.start();
    const timestampNs = BigInt(nowUs) * 1000n;
    kernel.send(packetAlert({ ...udp, originalBytes: 1500, timestampNs }), packetAlert(udp));
    const { samples } = collect(counting);
    expect(samples).toMatchObject([
      {
        ...{
          observed_us: nowUs,
          reason: 'NO_SOCKET',
          function: '__udp4_lib_rcv',
          length: 1500,
          ether_type: 0,
        },
        ...{ origin: SOFTWARE, trap: '', interface: 'lo', namespace: '' },
        flows: [{ source: '192.0.2.1', destination: '192.0.2.2', source_port: 5, destination_port: 9 }],
      },
    ]);
    expect(Buffer.from(samples[0]?.header ?? [])).toEqual(PAYLOAD);
    kernel.send(packetAlert(udp), packetAlert(udp));
    expect(collect(counting).samples).toHaveLength(1);
    counting.stop();
  });

  it('counts by place in summary mode, and says when the kernel may have lost some', () => {
    const counting = source({ mode: 'summary' });
    counting.start();
    expect(kernel.monitor.state.mode).toBe('summary');
    const full = Array.from({ length: 64 }, (_, i) => ({ pc: BigInt(i + 1), count: 3 }));
    kernel.send(
      summaryAlert([
        { pc: 0n, count: 50 },
        { pc: 1n, count: 4 },
      ]),
      summaryAlert(full),
      hardwareSummary([
        { trap: 'ttl_value_is_too_small', count: 6 },
        { trap: '', count: 1 },
      ]),
    );
    const { rows, losses } = collect(counting);
    const software = rows.filter(({ origin }) => origin === SOFTWARE);
    expect(software.reduce((sum, { events }) => sum + events, 0)).toBe(4 + 64 * 3);
    expect(new Set(software.map(({ reason }) => reason))).toEqual(new Set(['NOT_SPECIFIED']));
    expect(rows.filter(({ origin }) => origin === HARDWARE)).toMatchObject([
      { reason: 'ttl_value_is_too_small', trap: 'ttl_value_is_too_small', events: 6, packets: 6, bytes: 0 },
      { reason: 'HARDWARE', trap: '', events: 1 },
    ]);
    // Nothing names these addresses.
    expect(losses).toEqual({ summary_table_full: 1, unresolved_symbols: 64 });
    counting.stop();
  });

  it('counts what was lost on the way, once', () => {
    kernel.stats = { software: 1000, hardware: 50 };
    const counting = source();
    counting.start();
    kernel.stats = { software: 1007, hardware: 51 };
    kernel.dropped = 5;
    kernel.truncated = 1;
    kernel.send(
      Buffer.from('no message at all'),
      message(Command.packetAlert, (w) => w.u8(Attribute.protocol, 1)),
    );
    expect(collect(counting).losses).toEqual({ socket_full: 5, queue_full: 8, malformed: 3 });
    expect(collect(counting).losses).toEqual({});
    // The module was loaded anew.
    kernel.stats = { software: 2, hardware: 0 };
    expect(collect(counting).losses).toEqual({ queue_full: 2 });
    counting.stop();
  });

  it('counts the alerts of kinds for which it has no room', () => {
    const counting = source({ samples: false });
    counting.start();
    const kinds = 4096 + 10;
    for (let i = 0; i < kinds; i++) kernel.send(packetAlert({ ...udp, pc: BigInt(i) }));
    const { rows, losses } = collect(counting);
    const named = rows.reduce((sum, { events }) => sum + events, 0);
    expect([named, losses]).toEqual([4096, { kinds_full: 10 }]);
    counting.stop();
  });

  it('takes the monitor and gives it back, also in place of a run that was killed', () => {
    source().start();
    expect(kernel.monitor.state).toMatchObject({ mode: 'packet', software: true, hardware: true });
    source().stop();
    expect(kernel.monitor.state).toEqual(FRESH);
    const { controls } = kernel.open;
    source().stop();
    expect(kernel.open.controls).toBe(controls);
  });

  it('says for a minute what others did to it, and joins the group of a module that was loaded anew', () => {
    const counting = source();
    counting.start();
    collect(counting);
    expect(counting.remark()).toBe('');
    kernel.monitor.stop('software');
    kernel.group = 8;
    collect(counting);
    expect(counting.remark()).toBe('another tool stopped the monitoring of software, which was taken back');
    expect(kernel.monitor.state.software).toBe(true);
    expect(kernel.joined).toEqual([7, 8]);
    nowUs += 60_000_000;
    expect(counting.remark()).toBe('');
    counting.stop();
    expect(kernel.monitor.state).toEqual(FRESH);
    expect(kernel.open).toEqual({ controls: 0, sockets: 0 });
  });

  it('gives the monitor back when alerts cost too much for five collections on end', () => {
    /** Each collection takes so much; CPU time is read before and after. */
    const busy = (percent: number) => {
      let reading = false;
      return () => {
        reading = !reading;
        if (!reading) cpuUs += percent * 10_000;
        return cpuUs;
      };
    };
    const costly = source({ cpuUs: busy(21) });
    costly.start();
    const second = () => {
      nowUs += 1_000_000;
      collect(costly);
    };
    for (let i = 0; i < 4; i++) second();
    expect(second).toThrow(Suspended);
    costly.stop();
    expect(kernel.monitor.state).toEqual(FRESH);
    const cheap = source({ cpuUs: busy(19) });
    cheap.start();
    for (let i = 0; i < 10; i++) {
      nowUs += 1_000_000;
      collect(cheap);
    }
    cheap.stop();
  });

  it('reads alerts as they come, and more of them than fit into the socket', () => {
    const counting = source({ samples: false });
    counting.start();
    for (let i = 0; i < 10_000; i++) kernel.send(packetAlert(udp));
    kernel.readable();
    expect(kernel.sent).toHaveLength(10_000 - 1024);
    expect(collect(counting).rows).toMatchObject([{ events: 10_000 }]);
    counting.stop();
  });

  it('fails when it is asked, not in the event loop', () => {
    const counting = source();
    counting.start();
    kernel.failure = new Error('the socket is broken');
    kernel.readable();
    kernel.failure = undefined;
    expect(() => collect(counting)).toThrow('the socket is broken');
    counting.stop();
  });

  it('adds nothing but hardware when another source counts', () => {
    const adding = source({ counting: () => 'kfree-skb' });
    adding.start();
    expect(kernel.monitor.state).toEqual({ ...FRESH, hardware: true });
    // Alerts that another tool asked for.
    kernel.send(
      packetAlert(udp),
      summaryAlert([{ pc: 1n, count: 4 }]),
      hardwareSummary([{ trap: 'vlan', count: 6 }]),
    );
    kernel.stats = { software: 9, hardware: 1 };
    const { rows, losses } = collect(adding);
    expect(rows).toMatchObject([{ trap: 'vlan', origin: HARDWARE, events: 6 }]);
    expect(losses).toEqual({ queue_full: 1 });
    adding.stop();
    expect(kernel.monitor.state).toEqual(FRESH);
  });

  it('stands back without being asked where no hardware tells', () => {
    const adding = source({ counting: () => 'kfree-skb', hardware: false });
    expect(adding.probe()).toEqual({
      state: 'off',
      detail: "kfree-skb counts drops, and hardware's are switched off",
    });
  });
});

describe('a capture by the drop monitor', () => {
  it('hands on whole alerts, with reason, place, trap and interface', () => {
    const packets: object[] = [];
    {
      using capture = captureByDropMonitor({ snapLength: 20, root, kernel });
      expect(capture.description).toBe('drop_monitor');
      const timestampNs = BigInt(nowUs) * 1000n;
      kernel.send(
        packetAlert({ ...udp, originalBytes: 900, timestampNs }),
        packetAlert({
          origin: 1,
          trap: 'vlan',
          inIndex: 4711,
          inName: 'swp1',
          protocol: 0x0800,
          payload: PAYLOAD,
        }),
      );
      kernel.dropped = 3;
      capture.poll(({ bytes, start, ...packet }) => {
        packets.push({ ...packet, first: Buffer.from(bytes.subarray(start, start + 6)).toString('hex') });
      });
      expect(capture.lost()).toBe(3);
    }
    const same = { copied: 20, etherType: 0, namespace: '', inbound: true, first: '020000000001' };
    expect(packets).toEqual([
      {
        ...{
          ...same,
          reason: 'NO_SOCKET',
          function: '__udp4_lib_rcv',
          offset: 0x9a2,
          trap: '',
          interface: 'lo',
        },
        ...{ timeUs: nowUs, length: 900 },
      },
      {
        ...{ ...same, reason: '', function: '', offset: 0, trap: 'vlan', interface: 'swp1' },
        ...{ timeUs: 0, length: PAYLOAD.length },
      },
    ]);
    expect(kernel.monitor.state).toEqual(FRESH);
  });

  it('only listens while somebody else has packets sent', () => {
    kernel.monitor.state = { ...FRESH, mode: 'packet', software: true };
    {
      using capture = captureByDropMonitor({ snapLength: 20, root, kernel });
      expect(capture.description).toBe('drop_monitor, which another program runs');
    }
    expect(kernel.monitor.state).toEqual({ ...FRESH, mode: 'packet', software: true });
  });

  it('says that somebody else has drops summed up', () => {
    kernel.monitor.state = { ...FRESH, software: true };
    expect(() => captureByDropMonitor({ snapLength: 20, root, kernel })).toThrow('summary mode');
    expect(kernel.open).toEqual({ controls: 0, sockets: 0 });
  });
});
