import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SocketDrops } from '@netfall/proto';
import koffi from 'koffi';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Namespace } from '../../../test/load/namespace.ts';
import {
  bindSocket,
  closeFd,
  openSocket,
  readSocketAddress,
  sendDatagram,
  setSocketOption,
} from '../../kernel/libc.ts';
import { withinNetworkNamespace } from '../../kernel/network-namespace.ts';
import { Recorder } from '../../testing/recorder.ts';
import { FileBuffer } from './files.ts';
import type { OtherNamespace } from './namespaces.ts';
import { SocketReader } from './sockets.ts';

class SocketRecorder extends Recorder {
  readonly rows: SocketDrops[] = [];

  socket(row: SocketDrops): void {
    this.rows.push(row);
  }
}

const linux = process.platform === 'linux';
const root = linux && process.getuid?.() === 0;
const [AF_INET, AF_INET6, AF_PACKET] = [2, 10, 17];
const [SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_NONBLOCK] = [1, 2, 3, 0o4000];
const [SOL_SOCKET, SO_RCVBUF] = [1, 8];
const ETH_P_IP = 0x0800;
/** What the machine sends to others is of no other protocol. */
const EXPERIMENTAL = 253;
/** Bytes of a receive buffer that a few datagrams fill. */
const TINY = 2304;

/** A clock that stands: a reading takes no time, so that none has to wait. */
const nowUs = () => 0;
const me = { pid: process.pid, process: readFileSync('/proc/self/comm', 'utf8').trim() };

interface Calls {
  connect(fd: number, address: ArrayBuffer, size: number): number;
  listen(fd: number, backlog: number): number;
  getsockopt(fd: number, level: number, name: number, value: Uint32Array, size: Uint32Array): number;
}

function calls(): Calls {
  const library = koffi.load('libc.so.6');
  return {
    connect: library.func('int connect(int fd, void *address, uint size)'),
    listen: library.func('int listen(int fd, int backlog)'),
    getsockopt: library.func('int getsockopt(int fd, int level, int name, void *value, void *size)'),
  };
}

const open: number[] = [];
afterEach(() => {
  for (const fd of open.splice(0)) closeFd(fd);
});

function socket(domain: number, type: number, protocol = 0): number {
  const fd = openSocket(domain, type, protocol);
  open.push(fd);
  return fd;
}

/** 127.0.0.1 or ::1. */
function loopback(domain: number, port: number): ArrayBuffer {
  const bytes = Buffer.alloc(domain === AF_INET ? 16 : 28);
  bytes.writeUInt16LE(domain);
  bytes.writeUInt16BE(port, 2);
  if (domain === AF_INET) bytes.writeUInt32BE(0x7f00_0001, 4);
  else bytes[23] = 1;
  return Uint8Array.from(bytes).buffer;
}

/** A socket on the loopback that nobody reads, and where it is. */
function bound(
  domain: number,
  type: number,
  protocol = 0,
): { fd: number; port: number; address: ArrayBuffer } {
  const fd = socket(domain, type, protocol);
  setSocketOption(fd, SOL_SOCKET, SO_RCVBUF, TINY, 'SO_RCVBUF');
  const address = loopback(domain, 0);
  bindSocket(fd, address);
  readSocketAddress(fd, address);
  return { fd, port: new DataView(address).getUint16(2, false), address };
}

/** Sends datagrams of 100 bytes, which have arrived when this returns. */
function send(domain: number, to: ArrayBuffer, count: number, type = SOCK_DGRAM, protocol = 0): void {
  const fd = socket(domain, type, protocol);
  if (calls().connect(fd, to, to.byteLength) < 0) throw new Error('connect');
  for (let i = 0; i < count; i++) sendDatagram(fd, new Uint8Array(100));
}

/** A reading after the counters said that sockets lost something. */
function read(reader: SocketReader, namespace = ''): SocketRecorder {
  const into = new SocketRecorder();
  reader.watch(into).counter('UdpInErrors', '', 1, namespace);
  reader.read(into);
  expect(into.losses).toEqual({});
  return into;
}

function without({ owner, ...row }: SocketDrops): Omit<SocketDrops, 'owner'> {
  expect(owner).toEqual(expect.any(String));
  return row;
}

/** The column `drops` of the socket in a file of /proc/net whose local address ends so and that lost something. */
function dropsIn(file: string, local: string): number {
  const lines = file.split('\n').map((line) => line.trim().split(/\s+/));
  return Number(lines.find((words) => words[1]?.endsWith(local) && words.at(-1) !== '0')?.at(-1));
}

describe.skipIf(!linux)('sockets that lost packets (needs Linux)', () => {
  const hex = (port: number) => `:${port.toString(16).toUpperCase().padStart(4, '0')}`;

  it.each([
    [AF_INET, 'UDP', '127.0.0.1', 'udp'],
    [AF_INET6, 'UDPv6', '::1', 'udp6'],
  ])('of family %d are told of exactly, with the process', (domain, protocol, local_address, file) => {
    const { port, address } = bound(domain, SOCK_DGRAM);
    send(domain, address, 100);
    const drops = () => dropsIn(readFileSync(`/proc/net/${file}`, 'latin1'), hex(port));
    const before = drops();
    expect(before).toBeGreaterThan(50);
    // What was lost before the first reading is not told of, nor is anything while the counters stand still.
    const reader = new SocketReader('/', new FileBuffer(), nowUs, () => []);
    reader.read(new SocketRecorder());
    send(domain, address, 70);
    const quiet = new SocketRecorder();
    reader.read(quiet);
    expect(quiet.rows.filter((row) => row.local_port === port)).toEqual([]);
    const { rows } = read(reader);
    const own = rows.filter((row) => row.local_port === port).map(without);
    expect(own).toEqual([{ protocol, local_address, local_port: port, ...me, drops: drops() - before }]);
    expect(own[0]?.drops).toBe(70);
    reader.close();
  });
});

describe.skipIf(!root)('sockets of another namespace (needs root and iproute2)', () => {
  let namespace: Namespace;
  let other: OtherNamespace;
  let reader: SocketReader;

  /** What a new reader finds after `lose`, without the rows of who sent. */
  function rowsAfter(lose: () => number): SocketDrops[] {
    within(() => 0);
    reader.read(new SocketRecorder());
    const port = within(lose);
    return read(reader, other.name).rows.filter((row) => row.local_port === port);
  }

  function within<T>(run: () => T): T {
    return withinNetworkNamespace(`/run/netns/${namespace.name}`, run);
  }

  /** A counter of netstat or snmp, which began at 0. */
  function counted(file: string, group: string, name: string): number {
    const lines = namespace.read(`/proc/net/${file}`).split('\n');
    const [names = '', values = ''] = lines.filter((line) => line.startsWith(`${group}: `));
    return Number(values.split(' ')[names.split(' ').indexOf(name)]);
  }

  beforeEach(() => {
    namespace = new Namespace('netfall-sockets');
    other = { inode: 1, name: 'netns test', path: `run/netns/${namespace.name}`, entered: true };
    reader = new SocketReader('/', new FileBuffer(), nowUs, () => [other]);
  });

  afterEach(() => {
    reader.close();
    namespace[Symbol.dispose]();
  });

  it('UDP', () => {
    const rows = rowsAfter(() => {
      const { port, address } = bound(AF_INET, SOCK_DGRAM);
      send(AF_INET, address, 300);
      return port;
    });
    const drops = counted('snmp', 'Udp', 'RcvbufErrors');
    expect(drops).toBeGreaterThan(200);
    expect(rows.map(without)).toEqual([
      { protocol: 'UDP', local_address: '127.0.0.1', local_port: rows[0]?.local_port, ...me, drops },
    ]);
  });

  it('TCP, which listens and whose queue is full', () => {
    const rows = rowsAfter(() => {
      const { fd, port, address } = bound(AF_INET, SOCK_STREAM);
      calls().listen(fd, 0);
      // The first is queued, a few others wait for it at most.
      for (let i = 0; i < 8; i++) {
        calls().connect(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK), address, address.byteLength);
      }
      return port;
    });
    const drops = counted('netstat', 'TcpExt', 'ListenDrops');
    expect(drops).toBeGreaterThan(0);
    expect(rows.map(without)).toEqual([
      { protocol: 'TCP', local_address: '127.0.0.1', local_port: rows[0]?.local_port, ...me, drops },
    ]);
  });

  it('raw, which no counter counts', () => {
    within(() => bound(AF_INET, SOCK_RAW, EXPERIMENTAL));
    reader.read(new SocketRecorder());
    within(() => send(AF_INET, loopback(AF_INET, 0), 200, SOCK_RAW, EXPERIMENTAL));
    const into = new SocketRecorder();
    reader.read(into);
    const [row] = into.rows.filter(({ local_address }) => local_address === '127.0.0.1');
    expect(row && without(row)).toEqual({
      protocol: 'raw',
      local_address: '127.0.0.1',
      local_port: EXPERIMENTAL,
      ...me,
      drops: dropsIn(namespace.read('/proc/net/raw'), '0100007F:00FD'),
    });
    expect(row?.drops).toBeGreaterThan(150);
  });

  it('packet, in which a process may be seen', async () => {
    const child = spawn('ip', ['netns', 'exec', namespace.name, 'sleep', '60']);
    try {
      const inside = within(() => readFileSync('/proc/thread-self/net/dev', 'latin1'));
      await vi.waitUntil(() => {
        const [there, here] = [child.pid, process.pid].map((pid) =>
          readFileSync(`/proc/${pid}/net/dev`, 'latin1'),
        );
        return there === inside && there !== here;
      });
      other = { ...other, path: `proc/${child.pid}/ns/net`, entered: false };
      const fd = within(() => socket(AF_PACKET, SOCK_RAW, 0x0008));
      setSocketOption(fd, SOL_SOCKET, SO_RCVBUF, TINY, 'SO_RCVBUF');
      reader.read(new SocketRecorder());
      within(() => send(AF_INET, bound(AF_INET, SOCK_DGRAM).address, 100));
      const into = new SocketRecorder();
      reader.read(into);
      // Frames that came and frames that were lost.
      const statistics = new Uint32Array(2);
      calls().getsockopt(fd, 263, 6, statistics, Uint32Array.of(8));
      const [row] = into.rows.filter(({ protocol }) => protocol === 'packet');
      expect(row && without(row)).toEqual({
        protocol: 'packet',
        local_address: '',
        local_port: ETH_P_IP,
        ...me,
        drops: statistics[1],
      });
      expect(row?.drops).toBeGreaterThan(50);
    } finally {
      child.kill();
      await once(child, 'exit');
    }
  });

  it('that has gone are passed over', () => {
    rowsAfter(() => 0);
    other = { ...other, path: 'run/netns/none' };
    expect(read(reader, other.name).rows).toEqual([]);
  });
});

describe('sockets of a tree of files', () => {
  let folder: string;
  const HEADING = '  sl  local_address …\n';
  const line = (port: string, inode: number, drops: number) =>
    ` 1: 0100000A:${port} 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 ${inode} 2 0 ${drops}\n`;
  const lay = (...lines: string[]) => writeFileSync(join(folder, 'proc/net/udp'), HEADING + lines.join(''));

  function process(pid: number, comm: string, cgroup: string, ...links: string[]): void {
    const files = join(folder, 'proc', String(pid));
    mkdirSync(join(files, 'fd'), { recursive: true });
    writeFileSync(join(files, 'comm'), `${comm}\n`);
    writeFileSync(join(files, 'cgroup'), cgroup);
    for (const [fd, link] of links.entries()) symlinkSync(link, join(files, 'fd', String(fd)));
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'netfall-sockets-'));
    mkdirSync(join(folder, 'proc/net'), { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('names the process that holds it, init last, and looks again when it does not any more', () => {
    process(1, 'systemd', '0::/init.scope\n', 'socket:[70]');
    process(42, 'unbound', '0::/system.slice/unbound.service\n', '/dev/null', 'socket:[70]');
    lay(line('0035', 70, 5), line('1F90', 71, 0));
    const reader = new SocketReader(folder, new FileBuffer(), nowUs, () => []);
    reader.read(new SocketRecorder());
    lay(line('0035', 70, 8), line('1F90', 71, 2));
    const udp = { protocol: 'UDP', local_address: '10.0.0.1' };
    expect(read(reader).rows).toEqual([
      { ...udp, local_port: 53, pid: 42, process: 'unbound', owner: 'unbound.service', drops: 3 },
      { ...udp, local_port: 8080, pid: 0, process: '', owner: '', drops: 2 },
    ]);
    rmSync(join(folder, 'proc/42'), { recursive: true });
    lay(line('0035', 70, 9));
    expect(read(reader).rows).toEqual([
      { ...udp, local_port: 53, pid: 1, process: 'systemd', owner: '', drops: 1 },
    ]);
  });

  it('tells of so many sockets, and counts those beyond', () => {
    const sockets = (drops: number) => Array.from({ length: 1030 }, (_, i) => line('0035', i + 1, drops));
    lay(...sockets(1));
    const reader = new SocketReader(folder, new FileBuffer(), nowUs, () => []);
    reader.read(new SocketRecorder());
    lay(...sockets(2));
    const into = new SocketRecorder();
    reader.watch(into).counter('UdpInErrors', '', 1);
    reader.read(into);
    expect(into.rows.length).toBe(1024);
    expect(into.losses).toEqual({ sockets_full: 6 });
  });

  it('waits after a reading that took long, and finds the same later', () => {
    lay(line('0035', 70, 5));
    let clockUs = 0;
    const reader = new SocketReader(
      folder,
      new FileBuffer(),
      () => (clockUs += 1000),
      () => [],
    );
    reader.read(new SocketRecorder());
    lay(line('0035', 70, 8));
    expect(read(reader).rows).toEqual([]);
    clockUs += 1_000_000;
    const into = new SocketRecorder();
    reader.read(into);
    expect(into.rows.map(({ drops }) => drops)).toEqual([3]);
  });

  it('counts lines that are malformed', () => {
    lay('nonsense\n');
    const into = new SocketRecorder();
    new SocketReader(folder, new FileBuffer(), nowUs, () => []).read(into);
    expect(into.losses).toEqual({ malformed: 1 });
  });
});
