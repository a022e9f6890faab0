import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ownCapabilities } from '../../kernel/capabilities.ts';
import { findSymbol } from '../../kernel/kallsyms.ts';
import { MessageCursor } from '../../kernel/netlink/message.ts';
import { NetlinkProtocol, NetlinkSocket } from '../../kernel/netlink/socket.ts';
import { AlertReader, type Range } from './alert-reader.ts';
import { KernelMonitor } from './control.ts';
import { Monitor } from './monitor.ts';
import { JsonRecordFile } from './record.ts';
import type { MonitorConfig } from './requests.ts';
import { ALERTS_GROUP } from './wire.ts';

const CLOSED_PORT = 9;
const LOOPBACK = 1;
const ETHERNET_IPV4_UDP = 14 + 20 + 8;
const SUMMARY: MonitorConfig = { mode: 'summary', truncationBytes: 0, queueLength: 1000 };
const PACKET: MonitorConfig = { mode: 'packet', truncationBytes: 64, queueLength: 500 };

const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

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

/** Whether it can be loaded anew. */
function isModule(): boolean {
  if (!existsSync('/proc/modules') || spawnSync('modprobe', ['--version']).status !== 0) return false;
  return /^drop_monitor /m.test(readFileSync('/proc/modules', 'latin1'));
}

async function sendUdp(sizes: readonly number[]): Promise<void> {
  const socket = createSocket('udp4');
  for (const size of sizes) {
    const payload = Buffer.alloc(size, 'netfall ');
    await new Promise((resolve) => socket.send(payload, CLOSED_PORT, '127.0.0.1', resolve));
  }
  socket.close();
  await once(socket, 'close');
}

describe.skipIf(!available())('drop_monitor (needs root and a kernel that has it, unused)', () => {
  let folder: string;
  let control: KernelMonitor;
  let alerts: NetlinkSocket;
  let reader: AlertReader;
  let cursor: MessageCursor;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'netfall-drop-monitor-'));
    control = new KernelMonitor();
    control.configure(SUMMARY);
    alerts = new NetlinkSocket({ protocol: NetlinkProtocol.generic });
    alerts.join(control.family.groups.get(ALERTS_GROUP)!);
    reader = new AlertReader(alerts.slab);
    cursor = new MessageCursor(alerts.slab);
  });

  afterEach(() => {
    alerts.close();
    control.stop('software');
    control.stop('hardware');
    control.configure(SUMMARY);
    control.close();
    rmSync(folder, { recursive: true });
  });

  const monitor = (config = PACKET) =>
    new Monitor({
      control,
      file: new JsonRecordFile(join(folder, 'record'), bootId),
      config,
      hardware: true,
    });

  const text = ({ start, end }: Range) => Buffer.from(alerts.slab.subarray(start, end)).toString('latin1');

  /** Hands every alert to `visit`, with what it is. */
  const drain = (visit: (kind: string) => void) => {
    for (let count = alerts.receive(); count > 0; count = alerts.receive()) {
      for (let i = 0; i < count; i++) {
        cursor.reset(alerts.startOf(i), alerts.endOf(i));
        while (cursor.next()) visit(reader.read(cursor));
        expect(cursor.rest).toBe(0);
      }
    }
  };

  it('is taken, watched and given back', () => {
    const taken = monitor();
    expect(taken.start().software).toBe(true);
    expect(control.config()).toEqual(PACKET);
    expect(() => control.configure({})).toThrow(expect.objectContaining({ code: 'EBUSY' }));
    expect(taken.check()).toEqual([]);

    control.stop('software');
    expect(taken.check()).toContainEqual({ what: 'software', wanted: true, now: false });
    expect(() => control.start('software')).toThrow(expect.objectContaining({ code: 'EAGAIN' }));

    control.stop('software');
    control.stop('hardware');
    control.configure({ queueLength: 7 });
    expect(taken.check()).toContainEqual({ what: 'queueLength', wanted: 500, now: 7 });
    expect(control.config()).toEqual(PACKET);

    taken.stop();
    expect(control.config()).toEqual({ ...SUMMARY, queueLength: 7 });
    control.configure({});
  });

  it('is given back after its owner was killed', async () => {
    control.configure({ queueLength: 42 });
    control.start('software');
    const file = (name: string) => new URL(name, import.meta.url).pathname;
    const script = `
      const { KernelMonitor } = await import('${file('./control.ts')}');
      const { Monitor } = await import('${file('./monitor.ts')}');
      const { JsonRecordFile } = await import('${file('./record.ts')}');
      const file = new JsonRecordFile('${join(folder, 'record')}', '${bootId}');
      const config = ${JSON.stringify(PACKET)};
      new Monitor({ control: new KernelMonitor(), file, config, hardware: true }).start();
      console.log('taken');
      setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(owner.stdout, 'data');
    expect(control.config()).toEqual(PACKET);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    monitor().stop();
    expect(control.config()).toEqual({ ...SUMMARY, queueLength: 42 });
    expect(() => control.start('software')).toThrow(expect.objectContaining({ code: 'EAGAIN' }));
    expect(() => control.start('software')).toThrow(expect.objectContaining({ code: 'EAGAIN' }));
  });

  it('tells each packet, with its place, reason, interface and first bytes', async () => {
    monitor().start();
    const sizes = [1, 20, 300];
    const sentUs = Date.now() * 1000;
    await sendUdp(sizes);
    const seen: object[] = [];
    const times: number[] = [];
    await vi.waitUntil(() => {
      drain((kind) => {
        expect(kind).toBe('packet');
        const { packet } = reader;
        if (!text(packet.symbol).startsWith('__udp4_lib_rcv+0x')) return;
        const { hardware, inIndex, originalBytes, protocol, payload } = packet;
        const bytes = payload.end - payload.start;
        seen.push({ hardware, inIndex, originalBytes, protocol, bytes, reason: text(packet.reason) });
        expect(alerts.slab[payload.start + 14]).toBe(0x45);
        expect(packet.pcHigh).toBeGreaterThan(0xffff_0000);
        times.push(packet.timestampUs);
      });
      return seen.length >= sizes.length;
    });
    expect(seen).toEqual(
      sizes.map((size) => ({
        hardware: false,
        inIndex: LOOPBACK,
        originalBytes: ETHERNET_IPV4_UDP + size,
        protocol: 0x0800,
        bytes: Math.min(64, ETHERNET_IPV4_UDP + size),
        reason: 'NO_SOCKET',
      })),
    );
    expect(times.every((time) => time >= sentUs && time <= (Date.now() + 1) * 1000)).toBe(true);
  });

  it('sums up by place', async () => {
    monitor(SUMMARY).start();
    await sendUdp([1, 1, 1, 1, 1]);
    const kallsyms = readFileSync('/proc/kallsyms');
    let count = 0;
    await vi.waitUntil(() => {
      drain((kind) => {
        // The monitor of hardware's drops has nothing to say here.
        expect(kind).toBe('summary');
        expect(reader.points.full).toBe(false);
        while (reader.points.next()) {
          const address = (BigInt(reader.points.pcHigh) << 32n) | BigInt(reader.points.pcLow);
          if (findSymbol(kallsyms, address)?.name === '__udp4_lib_rcv') count += reader.points.count;
        }
      });
      return count >= 5;
    });
    expect(count).toBe(5);
  });

  it('says how many packets it could not tell', async () => {
    const before = control.stats();
    monitor({ ...PACKET, queueLength: 0 }).start();
    await sendUdp([1, 1, 1]);
    expect(control.stats().software - before.software).toBeGreaterThanOrEqual(3);
    let told = 0;
    drain(() => told++);
    expect(told).toBe(0);
  });

  it.skipIf(!isModule())(
    'is found again after its module was loaded anew (needs modprobe and a module)',
    () => {
      const taken = monitor();
      taken.start();
      control.stop('software');
      control.stop('hardware');
      const before = control.family.id;
      expect(spawnSync('modprobe', ['-r', 'drop_monitor']).status).toBe(0);
      expect(taken.check()).toContainEqual({ what: 'mode', wanted: 'packet', now: 'summary' });
      expect(control.config()).toEqual(PACKET);
      expect(control.family.id).not.toBe(before);
      taken.stop();
      expect(control.config()).toEqual(SUMMARY);
    },
  );
});
