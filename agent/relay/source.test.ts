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

describe('many known hosts', () => {
  it('that die at once are all reported, a few at a time and without waiting', async () => {
    const source = start('netoops', { known: ['127.0.1.0/24'] });
    const [datagram = new Uint8Array()] = dump(LOG, { transmissions: 1 });
    for (let i = 1; i <= 20; i++) {
      const host = createSocket('udp4');
      host.bind(0, `127.0.1.${i}`);
      await once(host, 'listening');
      await new Promise((resolve) => host.send(datagram, source.port, '127.0.0.1', resolve));
      host.close();
    }
    // What is received comes within 20 ms.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const recorder = new CrashRecorder();
    for (const reported of [8, 16, 20]) {
      urgent.mockClear();
      source.collect(recorder);
      expect([recorder.reports.length, urgent.mock.calls.length]).toEqual([reported, reported < 20 ? 1 : 0]);
    }
    expect([recorder.witnesses.length, recorder.losses]).toEqual([20, {}]);
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

  it('lets go of its port when it stops, and can start again', () => {
    const source = start('netoops');
    const { port } = source;
    source.stop();
    source.stop();
    start('netoops', { listen: `127.0.0.1:${port}` });
  });
});
