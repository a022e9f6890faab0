import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import koffi from 'koffi';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Namespace } from '../../../test/load/namespace.ts';
import { ownCapabilities } from '../capabilities.ts';
import { enterNetworkNamespace } from '../libc.ts';
import { readNetlinkDrops } from './drops.ts';
import { resolveFamily } from './generic.ts';
import { Links } from './links.ts';
import { MessageCursor } from './message.ts';
import { NetlinkProtocol, NetlinkSocket } from './socket.ts';
import { NetlinkRequester } from './transaction.ts';
import { MessageWriter } from './writer.ts';

const linux = process.platform === 'linux';
const privileged =
  linux && ownCapabilities().has('CAP_SYS_ADMIN') && spawnSync('ip', ['netns', 'list']).status === 0;

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTNLGRP_LINK = 1;
const NLM_F_CREATE = 0x400;

/** Receives all that is there: the types of the messages, and how many bytes were none. */
function drain(socket: NetlinkSocket): { types: number[]; malformed: number } {
  const types: number[] = [];
  let malformed = 0;
  const cursor = new MessageCursor(socket.slab);
  for (let count = socket.receive(); count > 0; count = socket.receive()) {
    for (let i = 0; i < count; i++) {
      cursor.reset(socket.startOf(i), socket.endOf(i));
      while (cursor.next()) types.push(cursor.type);
      malformed += cursor.rest;
    }
  }
  return { types, malformed };
}

describe.skipIf(!linux)('netlink (needs Linux)', () => {
  it('finds a generic family by its name', () => {
    using requester = new NetlinkRequester(NetlinkProtocol.generic);
    const family = resolveFamily(requester, 'nlctrl');
    expect(family).toMatchObject({ id: 16, version: 2, groups: new Map([['notify', 16]]) });
    const EMIT_CAN_DO_AND_DUMP = 0x2 | 0x4;
    expect(family.operations.get(3)! & EMIT_CAN_DO_AND_DUMP).toBe(EMIT_CAN_DO_AND_DUMP);
  });

  it('says that there is no such family', () => {
    using requester = new NetlinkRequester(NetlinkProtocol.generic);
    const error = expect.objectContaining({
      name: 'KernelError',
      code: 'ENOENT',
      syscall: 'generic netlink family NOT_THERE',
    });
    expect(() => resolveFamily(requester, 'NOT_THERE')).toThrow(error);
    expect(resolveFamily(requester, 'nlctrl').id).toBe(16);
  });

  it('has nothing to receive at first, and is listed by its port', () => {
    using first = new NetlinkSocket({ protocol: NetlinkProtocol.route });
    using second = new NetlinkSocket({ protocol: NetlinkProtocol.route });
    expect(first.receive()).toBe(0);
    expect(first.portId).not.toBe(second.portId);
    expect(readNetlinkDrops(first)).toBe(0);
  });

  it('counts a datagram that is too long for its slot, and does not show it', () => {
    using socket = new NetlinkSocket({ protocol: NetlinkProtocol.generic, datagramBytes: 64 });
    const writer = new MessageWriter().beginGeneric(16, 2, 3, 1).string(2, 'nlctrl');
    socket.send(writer.finish());
    expect(socket.receive()).toBe(1);
    expect(socket.truncated).toBe(1);
    expect(socket.endOf(0)).toBe(socket.startOf(0));
  });

  it('says that answers were lost', () => {
    using requester = new NetlinkRequester(NetlinkProtocol.generic, 64);
    expect(() => resolveFamily(requester, 'nlctrl')).toThrow(expect.objectContaining({ code: 'ENOBUFS' }));
  });

  it('says that there is no answer', () => {
    using requester = new NetlinkRequester(NetlinkProtocol.generic);
    // The kernel takes no notice of a message that is shorter than it says.
    const cut = new MessageWriter().begin(16).u32(1, 1).finish().subarray(0, 20);
    expect(() => requester.request('half a question', cut)).toThrow(
      'half a question: ETIMEDOUT (connection timed out): no answer within 1000 ms',
    );
  });

  it('cannot be used after it is closed', () => {
    const socket = new NetlinkSocket({ protocol: NetlinkProtocol.route, datagrams: 1 });
    socket.close();
    socket.close();
    expect(() => socket.receive()).toThrow('the netlink socket is closed');
    expect(() => socket.onReadable(() => false)).toThrow('the netlink socket is closed');
  });

  it('calls when there is something to receive, until it is closed', async () => {
    const socket = new NetlinkSocket({ protocol: NetlinkProtocol.generic });
    const ask = () => socket.send(new MessageWriter().beginGeneric(16, 2, 3, 5).string(2, 'nlctrl').finish());
    const seen: number[] = [];
    socket.onReadable(() => {
      seen.push(...drain(socket).types);
      return false;
    });
    await sleep(20);
    expect(seen).toEqual([]);
    ask();
    await vi.waitUntil(() => seen.length === 2);
    ask();
    await vi.waitUntil(() => seen.length === 4);
    expect(seen).toEqual([16, 2, 16, 2]);
    ask();
    socket.close();
    await sleep(50);
    expect(seen.length).toBe(4);
  });

  it('calls again when something was left', async () => {
    using socket = new NetlinkSocket({ protocol: NetlinkProtocol.generic });
    const left = [true, true, false];
    socket.onReadable(() => {
      drain(socket);
      return left.shift()!;
    });
    socket.send(new MessageWriter().beginGeneric(16, 2, 3, 5).string(2, 'nlctrl').finish());
    await vi.waitUntil(() => left.length === 0);
  });

  it('may be closed by the handler that it calls', async () => {
    const socket = new NetlinkSocket({ protocol: NetlinkProtocol.generic });
    let calls = 0;
    socket.onReadable(() => {
      calls++;
      socket.close();
      return false;
    });
    socket.send(new MessageWriter().beginGeneric(16, 2, 3, 5).string(2, 'nlctrl').finish());
    await vi.waitUntil(() => calls > 0);
    await sleep(50);
    expect(calls).toBe(1);
  });

  it('keeps no process from exiting while it is watched', () => {
    const path = new URL('./socket.ts', import.meta.url).pathname;
    const script = `
      const { NetlinkSocket } = await import('${path}');
      new NetlinkSocket({ protocol: 0 }).onReadable(() => {});`;
    const arguments_ = ['--input-type=module', '-e'];
    for (const end of ['', 'process.exit(0);', 'globalThis.gc?.();']) {
      const child = spawnSync(process.execPath, [...arguments_, script + end], { timeout: 10_000 });
      expect(child).toMatchObject({ status: 0, signal: null });
    }
  });

  it('is not watched in a worker', () => {
    const path = new URL('./socket.ts', import.meta.url).pathname;
    const script = `
      const { isMainThread, Worker } = require('node:worker_threads');
      new Worker("import('${path}').then((m) => new m.NetlinkSocket({ protocol: 0 }).onReadable(() => {}))", { eval: true })
        .on('error', (error) => console.log(error.message));`;
    const child = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', timeout: 10_000 });
    expect(child.stdout).toBe('file descriptors cannot be watched in a worker: use the main thread\n');
  });
});

describe.skipIf(!privileged)('netlink of a network namespace (needs root and iproute2)', () => {
  let namespace: Namespace;
  let home: number;

  beforeEach(() => {
    namespace = new Namespace('netfall-netlink');
    home = openSync('/proc/thread-self/ns/net', 'r');
    const there = openSync(`/run/netns/${namespace.name}`, 'r');
    enterNetworkNamespace(there, namespace.name);
    closeSync(there);
  });

  afterEach(() => {
    enterNetworkNamespace(home, 'home');
    closeSync(home);
    namespace[Symbol.dispose]();
  });

  const ip = (command: string) => execFileSync('ip', command.split(' '));
  /** Makes an interface, and a peer that it comes and goes with. */
  const add = (name: string) => ip(`link add ${name} type veth peer name ${name}p`);
  const index = (name: string) =>
    Number(execFileSync('ip', ['-o', 'link', 'show', 'dev', name], { encoding: 'utf8' }).split(':')[0]);

  /** Changes an interface so often that the notifications need more room than there is. */
  const changeOften = (name: string, times: number) => {
    const lines = Array.from({ length: times }, (_, i) => `link set dev ${name} mtu ${1000 + (i % 2)}`);
    execFileSync('ip', ['-batch', '-'], { input: lines.join('\n') });
  };

  it('carries the reason that the kernel gives for an error', () => {
    using requester = new NetlinkRequester(NetlinkProtocol.route);
    const writer = new MessageWriter().begin(RTM_NEWLINK, NLM_F_CREATE);
    writer.header(16);
    const IFLA_LINKINFO = 18;
    const IFLA_INFO_KIND = 1;
    writer.nest(IFLA_LINKINFO, () => writer.string(IFLA_INFO_KIND, 'nosuchkind'));
    const request = () => requester.request('RTM_NEWLINK', writer.finish());
    expect(request).toThrow(
      expect.objectContaining({
        code: 'ENOTSUP',
        message: expect.stringMatching(/^RTM_NEWLINK: ENOTSUP \(.*\): Unknown device type/),
      }),
    );
  });

  it('tells one answer from those of a request that was given up', () => {
    using requester = new NetlinkRequester(NetlinkProtocol.route);
    const writer = new MessageWriter().begin(RTM_GETLINK, 0x300);
    writer.header(16);
    const abandon = () =>
      requester.request('RTM_GETLINK', writer.finish(), () => {
        throw new Error('enough');
      });
    expect(abandon).toThrow('enough');
    let answers = 0;
    expect(requester.request('RTM_GETLINK', writer.finish(), () => answers++)).toBe(true);
    expect(answers).toBe(1);
  });

  it('counts an overflow, and the messages that it cost', () => {
    add('d0');
    using socket = new NetlinkSocket({ protocol: NetlinkProtocol.route, receiveBufferBytes: 8192 });
    socket.join(RTNLGRP_LINK);
    changeOften('d0', 200);
    const { types, malformed } = drain(socket);
    expect(socket.overflows).toBe(1);
    expect(malformed).toBe(0);
    expect(new Set(types)).toEqual(new Set([RTM_NEWLINK]));
    expect(readNetlinkDrops(socket)).toBe(200 - types.length);
    ip('link del d0');
    expect(drain(socket).types).toContain(RTM_DELLINK);
    expect(socket.overflows).toBe(1);
  });

  it('is watched on after an overflow', async () => {
    add('d0');
    using socket = new NetlinkSocket({ protocol: NetlinkProtocol.route, receiveBufferBytes: 8192 });
    socket.join(RTNLGRP_LINK);
    const seen = new Set<number>();
    socket.onReadable(() => {
      for (const type of drain(socket).types) seen.add(type);
      return false;
    });
    for (let round = 1; round <= 3; round++) {
      changeOften('d0', 200);
      await vi.waitUntil(() => socket.overflows === round);
    }
    expect(seen).toEqual(new Set([RTM_NEWLINK]));
    ip('link del d0');
    await vi.waitUntil(() => seen.has(RTM_DELLINK));
  });

  it('drops what another process sends', () => {
    using victim = new NetlinkSocket({ protocol: NetlinkProtocol.route });
    using attacker = new NetlinkSocket({ protocol: NetlinkProtocol.route });
    const address = Buffer.alloc(12);
    address.writeUInt16LE(16, 0);
    address.writeUInt32LE(victim.portId, 4);
    const sendto = koffi.load('libc.so.6').func('long sendto(int, void *, size_t, int, void *, uint)');
    expect(sendto(attacker.fd, new MessageWriter().begin(RTM_NEWLINK).finish(), 16, 0, address, 12)).toBe(16);
    expect(victim.receive()).toBe(1);
    expect(victim.foreign).toBe(1);
    expect(victim.endOf(0)).toBe(victim.startOf(0));
  });

  it('names interfaces as they come, change their names and go', () => {
    add('before');
    using links = new Links();
    const before = index('before');
    expect([links.name(1), links.name(before), links.size]).toEqual(['lo', 'before', 3]);

    add('left');
    const [left, right] = [index('left'), index('leftp')];
    expect(links.name(left)).toBeUndefined();
    links.update();
    expect([links.name(left), links.name(right), links.size]).toEqual(['left', 'leftp', 5]);

    ip('link set left name other');
    ip('link del before');
    links.update();
    expect([links.name(left), links.name(before), links.size]).toEqual(['other', undefined, 3]);

    ip('link del other');
    links.update();
    expect([links.name(left), links.name(right), links.size]).toEqual([undefined, undefined, 1]);
    expect(links.overflow).toBe(0);
  });

  it('keeps an interface that merely leaves its bridge', () => {
    ip('link add br0 type bridge');
    add('port');
    ip('link set port master br0');
    using links = new Links();
    ip('link set port nomaster');
    links.update();
    expect(links.name(index('port'))).toBe('port');
  });

  it('reads all names anew when notifications were lost', () => {
    add('d0');
    using links = new Links();
    changeOften('d0', 3000);
    ip('link set d0 name d1');
    add('d2');
    links.update();
    expect(links.name(index('d1'))).toBe('d1');
    expect(links.name(index('d2'))).toBe('d2');
  });

  it('names no more interfaces than it may, and counts the others', () => {
    add('d0');
    add('d1');
    using links = new Links(3);
    expect([links.size, links.overflow]).toEqual([3, 2]);
    ip('link set d0 name d9');
    links.update();
    expect(links.name(index('d9'))).toBe('d9');
    expect(links.size).toBe(3);
  });
});
