/** The relay's sources with real sockets on the loopback. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { systemClock } from '@netfall/log';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { extendedDatagrams } from '../../test/load/netconsole.ts';
import { type Dump, netoopsDatagrams, segmentsOf } from '../../test/load/netoops.ts';
import { completeConfig } from '../config.ts';
import { createNetconsole } from '../sources/netconsole/source.ts';
import { createNetoops } from '../sources/netoops/source.ts';
import { CrashRecorder } from '../testing/recorder.ts';
import type { RelaySource } from './source.ts';

const LOG =
  '[    7.000000] sysrq: Trigger a crash\n' +
  '[    7.000010] Kernel panic - not syncing: sysrq triggered crash\n' +
  '[    7.000020] CPU: 0 PID: 77 Comm: sh Not tainted 6.1.0-50-amd64 #1\n' +
  '[    7.000025] Hardware name: QEMU Standard PC, BIOS 1.16\n' +
  '[    7.000030] ---[ end Kernel panic - not syncing: sysrq triggered crash ]---\n';

function dump(log: string, options: Partial<Dump> = {}): Uint8Array[] {
  const segments = segmentsOf(Buffer.from(log), 0);
  return netoopsDatagrams({
    segments,
    kernelVersion: '6.1.0-50',
    seconds: 1,
    format: { version: 2 },
    ...options,
  });
}

const urgent = vi.fn();
let sender: Socket;

beforeEach(async () => {
  urgent.mockClear();
  sender = createSocket('udp4');
  sender.bind(0, '127.0.0.1');
  await once(sender, 'listening');
});
afterEach(() => sender.close());

function start(which: 'netoops' | 'netconsole', keys: object = {}): RelaySource {
  const config = completeConfig({ sources: { [which]: { listen: '127.0.0.1:0', ...keys } } }).sources;
  const place = { root: '/', clock: systemClock, urgent };
  const source =
    which === 'netoops' ? createNetoops(config.netoops, place) : createNetconsole(config.netconsole, place);
  source.start();
  onTestFinished(() => source.stop());
  return source;
}

async function send(source: RelaySource, datagrams: readonly Uint8Array[]): Promise<void> {
  for (const datagram of datagrams) {
    await new Promise((resolve) => sender.send(datagram, source.port, '127.0.0.1', resolve));
  }
}

describe('netoops', () => {
  it('is witnessed by its first datagram, whichever that is, and reported once it is whole', async () => {
    const source = start('netoops');
    const beginUs = systemClock.nowUs();
    const datagrams = dump(`${'x'.repeat(3000)}\n${LOG}`);
    await send(source, datagrams.slice(1, 2));
    const recorder = new CrashRecorder();
    await vi.waitUntil(() => urgent.mock.calls.length > 0);
    source.collect(recorder);
    const [witness] = recorder.witnesses;
    expect(witness).toMatchObject({
      source: 'netoops',
      sender: '127.0.0.1',
      kernel: '6.1.0-50',
      boot_id: '',
    });
    expect(witness?.first_us).toBeGreaterThanOrEqual(beginUs);
    expect(recorder.reports).toEqual([]);

    await send(source, datagrams);
    await vi.waitUntil(() => {
      source.collect(recorder);
      return recorder.reports.length > 0;
    });
    const [{ findings, log } = { findings: null, log: '' }] = recorder.reports;
    expect(log).toBe(`${'x'.repeat(3000)}\n${LOG}`);
    expect(findings).toMatchObject({
      witness: {
        record: witness?.record,
        kind: 'panic',
        line: 'Kernel panic - not syncing: sysrq triggered crash',
        uptime_us: 7_000_010,
      },
      revision: 1,
      last_uptime_us: 7_000_030,
      complete: true,
      holes: [],
      parts: 4,
      lost_messages: 0,
      hardware: 'QEMU Standard PC, BIOS 1.16',
      reading: { title: 'kernel panic: sysrq triggered crash', type: 'panic', process: 'sh', pid: 77 },
    });
    expect([recorder.witnesses.length, recorder.losses]).toEqual([1, {}]);
  });

  it('is reported with what there is when the agent stops', async () => {
    const source = start('netoops');
    await send(source, dump(`${'x'.repeat(3000)}\n${LOG}`).slice(0, 1));
    await vi.waitUntil(() => urgent.mock.calls.length > 0);
    source.finish();
    const recorder = new CrashRecorder();
    source.collect(recorder);
    expect(recorder.reports).toMatchObject([
      { findings: { complete: false, holes: [{ at: 0, bytes: 3072, exact: false }], parts: 1 } },
    ]);
  });

  it('of a network that is not allowed, or that is none, is counted', async () => {
    const strict = start('netoops', { allow: ['10.0.0.0/8'] });
    await send(strict, dump(LOG));
    const recorder = new CrashRecorder();
    await vi.waitUntil(() => {
      strict.collect(recorder);
      return recorder.losses['not_allowed'] === 3;
    });
    const source = start('netoops');
    await send(source, [Buffer.alloc(100), Buffer.alloc(3000)]);
    await vi.waitUntil(() => {
      source.collect(recorder);
      return recorder.losses['malformed'] === 2;
    });
    expect([recorder.witnesses, recorder.reports]).toEqual([[], []]);
  });

  it('is handed over again when a message has no room', async () => {
    const source = start('netoops');
    const recorder = new CrashRecorder();
    recorder.hasRoom = false;
    await send(source, dump(LOG));
    await vi.waitUntil(() => urgent.mock.calls.length > 0);
    source.collect(recorder);
    source.collect(recorder);
    expect(recorder.reports).toEqual([]);
    recorder.hasRoom = true;
    source.collect(recorder);
    expect([recorder.witnesses.length, recorder.reports.length]).toEqual([1, 1]);
  });
});

/** So many hosts, each of which sends a datagram of its own. */
async function sendFromHosts(source: RelaySource, hosts: number, datagram: Uint8Array): Promise<void> {
  for (let host = 1; host <= hosts; host++) {
    const socket = createSocket('udp4');
    socket.bind(0, `127.0.1.${host}`);
    await once(socket, 'listening');
    await new Promise((resolve) => socket.send(datagram, source.port, '127.0.0.1', resolve));
    socket.close();
  }
}

describe('known hosts that die together', () => {
  // Whole in one datagram.
  const whole = () => dump('Kernel panic - not syncing: x\n')[0]!;

  it('are reported a few at a time, and more is asked for as long as there is more', async () => {
    const source = start('netoops', { known: ['127.0.0.0/8'] });
    await sendFromHosts(source, 20, whole());
    const witnesses = new CrashRecorder();
    witnesses.crash = () => false;
    await vi.waitUntil(() => urgent.mock.calls.length > 0);
    await vi.waitUntil(() => {
      source.collect(witnesses);
      return witnesses.witnesses.length === 20;
    });
    const asked: [number, boolean][] = [];
    for (let i = 0; i < 3; i++) {
      urgent.mockClear();
      const recorder = new CrashRecorder();
      source.collect(recorder);
      asked.push([recorder.reports.length, urgent.mock.calls.length > 0]);
    }
    expect(asked).toEqual([
      [8, true],
      [8, true],
      [4, false],
    ]);
  });

  it('are all reported at the end, where strangers are not', async () => {
    const outcomes: unknown[] = [];
    for (const known of [['127.0.0.0/8'], []]) {
      const source = start('netoops', { known });
      await sendFromHosts(source, 70, dump(`${'x'.repeat(3000)}\n${LOG}`)[0]!);
      source.finish();
      const recorder = new CrashRecorder();
      source.collect(recorder);
      source.collect(recorder);
      source.stop();
      outcomes.push([recorder.reports.length, recorder.losses]);
    }
    expect(outcomes).toEqual([
      [70, {}],
      [64, { unreported: 6 }],
    ]);
  });
});

describe('netconsole', () => {
  it('is witnessed by the line that begins a crash, and reported after its last words', async () => {
    const source = start('netconsole');
    const records = LOG.trimEnd()
      .split('\n')
      .map((line, i) => ({
        text: line.slice(15),
        uptimeUs: Number(line.slice(1, 13).replace('.', '')),
        priority: 0,
        seq: i,
      }));
    await send(
      source,
      records.slice(0, 2).flatMap((record) => extendedDatagrams(record)),
    );
    await vi.waitUntil(() => urgent.mock.calls.length > 0);
    const recorder = new CrashRecorder();
    source.collect(recorder);
    expect(recorder.witnesses).toMatchObject([
      {
        source: 'netconsole',
        kind: 'panic',
        line: 'Kernel panic - not syncing: sysrq triggered crash',
        uptime_us: 7_000_010,
      },
    ]);
    await send(
      source,
      records.slice(2).flatMap((record) => extendedDatagrams(record)),
    );
    await vi.waitUntil(() => {
      source.collect(recorder);
      return recorder.reports.length > 0;
    }, 5000);
    expect(recorder.reports).toMatchObject([
      {
        log: LOG,
        findings: { witness: { kernel: '6.1.0-50-amd64' }, complete: true, last_uptime_us: 7_000_030 },
      },
    ]);
  });
});

describe('a relay', () => {
  it('says what to do when its port is taken or not to be had', async () => {
    const { port } = sender.address();
    expect(() => start('netoops', { listen: `127.0.0.1:${port}` })).toThrow(
      `UDP 127.0.0.1:${port} is taken by another process: stop that or set sources.netoops.listen`,
    );
    expect(() => start('netconsole', { listen: '192.0.2.1:6666' })).toThrow(
      '192.0.2.1:6666 is no address of this host: set sources.netconsole.listen',
    );
  });

  it('hears IPv6 and IPv4 on one socket', async () => {
    const source = start('netoops', { listen: '[::]:0' });
    const six = createSocket('udp6');
    onTestFinished(() => void six.close());
    const [datagram = new Uint8Array()] = dump(LOG);
    await new Promise((resolve) => six.send(datagram, source.port, '::1', resolve));
    await send(source, [datagram]);
    const recorder = new CrashRecorder();
    await vi.waitUntil(() => {
      source.collect(recorder);
      return recorder.witnesses.length === 2;
    });
    expect(recorder.witnesses.map((witness) => witness.sender).sort()).toEqual(['127.0.0.1', '::1']);
  });

  it('that is stopped before its end counts what was under way, and what it could not read', async () => {
    const source = start('netoops');
    await send(source, [Buffer.alloc(100), ...dump(`${'x'.repeat(3000)}\n${LOG}`).slice(0, 1)]);
    await vi.waitUntil(() => urgent.mock.calls.length > 0);
    source.stop();
    source.start();
    const recorder = new CrashRecorder();
    source.collect(recorder);
    source.collect(recorder);
    expect(recorder.losses).toEqual({ malformed: 1, unreported: 1 });
  });

  it('says at the next collection what went wrong while it received', async () => {
    const clock = { ...systemClock, nowUs: vi.fn(() => systemClock.nowUs()) };
    const { netoops } = completeConfig({ sources: { netoops: { listen: '127.0.0.1:0' } } }).sources;
    const source = createNetoops(netoops, { root: '/', clock, urgent });
    source.start();
    onTestFinished(() => source.stop());
    clock.nowUs.mockImplementationOnce(() => {
      throw new Error('no time');
    });
    await send(source, dump(LOG));
    await vi.waitUntil(() => urgent.mock.calls.length > 0);
    expect(() => source.collect(new CrashRecorder())).toThrow('no time');
    source.stop();
    source.start();
    source.collect(new CrashRecorder());
  });

  it('lets go of its port when it stops, and can start again', () => {
    const source = start('netoops');
    const { port } = source;
    source.stop();
    source.stop();
    start('netoops', { listen: `127.0.0.1:${port}` });
  });
});
