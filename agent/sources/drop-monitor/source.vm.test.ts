import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DropOrigin, type DropSample } from '@netfall/proto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CaughtPacket } from '../../capture/session.ts';
import { ownCapabilities } from '../../kernel/capabilities.ts';
import type { Collector, DropRow } from '../../source.ts';
import { captureByDropMonitor } from './capture.ts';
import { KernelMonitor } from './control.ts';
import { watchDropMonitor } from './index.ts';
import { probeDropMonitor } from './probe.ts';
import type { MonitorConfig } from './requests.ts';
import { DropMonitorSource } from './source.ts';

const CLOSED_PORT = 9;
const SUMMARY: MonitorConfig = { mode: 'summary', truncationBytes: 0, queueLength: 1000 };
const ETHERNET_IPV4_UDP = 14 + 20 + 8;

/** Whether this kernel has a drop monitor that nobody is using. */
function available(): boolean {
  if (process.platform !== 'linux' || !ownCapabilities().has('CAP_SYS_ADMIN')) return false;
  try {
    using control = new KernelMonitor();
    control.configure({});
    return true;
  } catch {
    return false;
  }
}

async function sendUdp(count: number, payload: string): Promise<void> {
  const socket = createSocket('udp4');
  for (let i = 0; i < count; i++) {
    await new Promise((resolve) => socket.send(payload, CLOSED_PORT, '127.0.0.1', resolve));
  }
  socket.close();
  await once(socket, 'close');
}

class Said implements Collector {
  readonly rows: DropRow[] = [];
  readonly samples: DropSample[] = [];
  readonly losses: Record<string, number> = {};
  drop(row: Readonly<DropRow>): void {
    this.rows.push({ ...row });
  }
  counter(): void {}
  wantsSample(reason: string, fn: string): boolean {
    return !this.samples.some((known) => known.reason === reason && known.function === fn);
  }
  sample(sample: DropSample): void {
    this.samples.push(sample);
  }
  loss(hop: string, count: number): void {
    this.losses[hop] = (this.losses[hop] ?? 0) + count;
  }
  events(match: Partial<DropRow>): number {
    const entries = Object.entries(match) as [keyof DropRow, unknown][];
    return this.rows
      .filter((row) => entries.every(([key, value]) => row[key] === value))
      .reduce((sum, { events }) => sum + events, 0);
  }
}

describe.skipIf(!available())('the source drop-monitor (needs root and a kernel that has it, unused)', () => {
  let root: string;
  let control: KernelMonitor;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'netfall-drop-monitor-'));
    for (const name of ['proc', 'sys', 'lib']) symlinkSync(`/${name}`, join(root, name));
    mkdirSync(join(root, 'run'));
    control = new KernelMonitor();
    control.configure(SUMMARY);
  });

  afterEach(() => {
    control.stop('software');
    control.stop('hardware');
    control.configure(SUMMARY);
    control.close();
    rmSync(root, { recursive: true });
  });

  const source = (mode: MonitorConfig['mode'], counting = 'drop-monitor') =>
    new DropMonitorSource({
      root,
      mode,
      truncationBytes: 128,
      queueLength: 1000,
      hardware: true,
      samples: true,
      receiveBufferBytes: 1 << 23,
      maxCpuPercent: 100,
      counting: () => counting,
      nowUs: () => Date.now() * 1000,
    });

  it('finds what it needs', () => {
    expect(probeDropMonitor({ root, mode: 'packet' })).toEqual({
      state: 'ok',
      detail: 'counts drops by reason, function and protocol, an alert a packet',
    });
    expect(source('packet', 'kfree-skb').probe()).toEqual({
      state: 'off',
      detail: 'kfree-skb counts drops, and no device here tells of drops in its hardware',
    });
  });

  it('counts each packet by reason, function and protocol, shows one, and gives the monitor back', async () => {
    const monitor = source('packet');
    const said = new Said();
    monitor.start();
    expect(control.config()).toEqual({ mode: 'packet', truncationBytes: 128, queueLength: 1000 });
    expect(existsSync(join(root, 'run/netfall/drop-monitor.json'))).toBe(true);
    await sendUdp(500, 'netfall');
    await sleep(300);
    monitor.collect(said);
    monitor.stop();
    const [row] = said.rows.filter(({ reason }) => reason === 'NO_SOCKET');
    expect(row).toMatchObject({ function: '__udp4_lib_rcv', module: '', protocol: 'IPv4', trap: '' });
    expect(row?.offset).toBeGreaterThan(0);
    expect(said.losses).toEqual({});
    expect(said.events({ function: '__udp4_lib_rcv', reason: 'NO_SOCKET' })).toBe(500);
    expect(row?.bytes).toBe(500 * (ETHERNET_IPV4_UDP + 'netfall'.length));
    expect(said.samples.find(({ reason }) => reason === 'NO_SOCKET')).toMatchObject({
      origin: DropOrigin.DROP_ORIGIN_SOFTWARE,
      interface: 'lo',
      length: ETHERNET_IPV4_UDP + 'netfall'.length,
      ether_type: 0,
      flows: [
        { source: '127.0.0.1', destination: '127.0.0.1', protocol: 'UDP', destination_port: CLOSED_PORT },
      ],
    });
    expect(control.config()).toEqual(SUMMARY);
    control.configure({});
    expect(existsSync(join(root, 'run/netfall/drop-monitor.json'))).toBe(false);
  });

  it('counts by function in summary mode', async () => {
    const monitor = source('summary');
    const said = new Said();
    monitor.start();
    try {
      await sendUdp(500, 'netfall');
      for (let i = 0; i < 50 && said.events({ function: '__udp4_lib_rcv' }) < 500; i++) {
        await sleep(100);
        monitor.collect(said);
      }
    } finally {
      monitor.stop();
    }
    expect(said.events({ function: '__udp4_lib_rcv', reason: 'NOT_SPECIFIED', protocol: '' })).toBe(500);
    expect(said.losses).toEqual({});
  });

  it('takes the monitor back from another tool, and says so', async () => {
    const monitor = source('packet');
    monitor.start();
    const said = new Said();
    control.stop('software');
    control.stop('hardware');
    control.configure({ mode: 'summary' });
    control.start('software');
    monitor.collect(said);
    expect(monitor.remark()).toMatch(/^another tool set it to summary mode.*, which was taken back$/);
    expect(control.config().mode).toBe('packet');
    await sendUdp(50, 'netfall');
    await sleep(300);
    monitor.collect(said);
    monitor.stop();
    expect(said.events({ reason: 'NO_SOCKET', function: '__udp4_lib_rcv' })).toBe(50);
    expect(control.config()).toEqual(SUMMARY);
  });

  it('counts what neither the queue nor the socket had room for', async () => {
    const monitor = new DropMonitorSource({
      ...{ root, mode: 'packet', truncationBytes: 128, queueLength: 20, hardware: false, samples: false },
      ...{ receiveBufferBytes: 1 << 16, maxCpuPercent: 100, counting: () => 'drop-monitor' },
      nowUs: () => Date.now() * 1000,
    });
    const said = new Said();
    monitor.start();
    const socket = createSocket('udp4');
    for (let i = 0; i < 20_000; i++) socket.send('x', CLOSED_PORT, '127.0.0.1');
    await new Promise((resolve) => socket.send('x', CLOSED_PORT, '127.0.0.1', resolve));
    socket.close();
    for (let i = 0; i < 10; i++) {
      await sleep(100);
      monitor.collect(said);
    }
    monitor.stop();
    const lost = Object.values(said.losses).reduce((sum, count) => sum + count, 0);
    expect(lost).toBeGreaterThan(0);
    expect(said.events({ function: '__udp4_lib_rcv' }) + lost).toBeGreaterThanOrEqual(20_001);
  });

  it('watches and captures, beside each other', async () => {
    const caught: Pick<CaughtPacket, 'reason' | 'function' | 'interface' | 'length' | 'copied'>[] = [];
    const sampled: string[] = [];
    let seen = 0;
    {
      using watch = watchDropMonitor(root);
      using capture = captureByDropMonitor({ snapLength: 60, root });
      expect([watch.listening, capture.description]).toEqual([
        false,
        'drop_monitor, which another program runs',
      ]);
      await sendUdp(20, 'a payload of some length, to be cut');
      await sleep(300);
      watch.read(({ reason, events }) => {
        if (reason === 'NO_SOCKET') seen += events;
      });
      watch.readSamples(
        ({ reason }) => reason === 'NO_SOCKET',
        ({ interface: name, flows: [flow] }) => {
          sampled.push(`${flow?.protocol} to ${flow?.destination} on ${name}`);
        },
      );
      capture.poll(({ reason, function: fn, interface: name, length, copied }) => {
        if (reason === 'NO_SOCKET') caught.push({ reason, function: fn, interface: name, length, copied });
      });
      expect(watch.losses()).toMatchObject({ socket_full: 0, queue_full: 0, malformed: 0 });
      expect(capture.lost()).toBe(0);
    }
    expect(seen).toBe(20);
    expect(sampled).toEqual(['UDP to 127.0.0.1 on lo']);
    const length = ETHERNET_IPV4_UDP + 'a payload of some length, to be cut'.length;
    const packet = { reason: 'NO_SOCKET', function: '__udp4_lib_rcv', interface: 'lo', length, copied: 60 };
    expect(caught).toEqual(Array.from({ length: 20 }, () => packet));
    expect(control.config()).toEqual(SUMMARY);
    control.configure({});
  });
});
