/**
 * Network namespaces for tests and benchmarks: a loopback interface, nobody else's traffic, and counters that
 * begin at zero. Needs root and iproute2.
 */

import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { enterNetworkNamespace } from '../../agent/kernel/libc.ts';

export class Namespace {
  readonly name: string;

  /** @param label told apart from others' by the process id. */
  constructor(label: string) {
    this.name = `${label}-${process.pid}`;
    execFileSync('ip', ['netns', 'add', this.name]);
    execFileSync('ip', ['-n', this.name, 'link', 'set', 'lo', 'up']);
  }

  /** The text of a file, as a process in the namespace sees it. */
  read(path: string): string {
    return execFileSync('ip', ['netns', 'exec', this.name, 'cat', path], { encoding: 'utf8' });
  }

  /** Runs a command of iproute2 there: `ip('link add a type dummy')`. */
  ip(command: string): void {
    execFileSync('ip', ['-n', this.name, ...command.split(' ')]);
  }

  /** Switches IPv6 off, which says things by itself on interfaces that come up. */
  withoutIpv6(): void {
    const settings = ['all', 'default'].map((which) => `net.ipv6.conf.${which}.disable_ipv6=1`);
    execFileSync('ip', ['netns', 'exec', this.name, 'sysctl', '-qw', ...settings]);
  }

  /** Runs something with this thread in the namespace: sockets that it opens belong there. */
  enter<T>(run: () => T): T {
    const home = openSync('/proc/thread-self/ns/net', 'r');
    const there = openSync(`/run/netns/${this.name}`, 'r');
    try {
      enterNetworkNamespace(there, this.name);
      return run();
    } finally {
      enterNetworkNamespace(home, 'home');
      closeSync(there);
      closeSync(home);
    }
  }

  /** UDP datagrams to ports that nobody listens on. */
  udpNoPorts(): number {
    return countNoPorts(this.read('/proc/net/snmp'), this.read('/proc/net/snmp6'));
  }

  /** Frames that an interface handed up and the stack dropped. */
  receiveDrops(device: string): number {
    const line = this.read('/proc/net/dev')
      .split('\n')
      .find((line) => line.trim().startsWith(`${device}:`));
    return Number(line?.split(':')[1]?.trim().split(/\s+/)[3]);
  }

  [Symbol.dispose](): void {
    execFileSync('ip', ['netns', 'delete', this.name]);
  }
}

/** UDP datagrams to ports that nobody listens on, by the counters in a `net` directory of /proc. */
export function udpNoPorts(directory: string): number {
  return countNoPorts(
    readFileSync(`${directory}/snmp`, 'latin1'),
    readFileSync(`${directory}/snmp6`, 'latin1'),
  );
}

function countNoPorts(snmp: string, snmp6: string): number {
  const [names = '', values = ''] = snmp.split('\n').filter((line) => line.startsWith('Udp: '));
  const ipv4 = values.split(' ')[names.split(' ').indexOf('NoPorts')];
  const ipv6 = /^Udp6NoPorts\s+(\d+)$/m.exec(snmp6)?.[1];
  return Number(ipv4) + Number(ipv6 ?? 0);
}
