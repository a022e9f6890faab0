/**
 * Two hosts on a wire, as network namespaces with a veth pair between them: `a` sends, `b` receives, and forwards to `c`
 * behind it where a scenario wants that. Nobody else's traffic, neighbours fixed, counters that begin at zero.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { enterNetworkNamespace } from '../../agent/kernel/libc.ts';

export const A = { mac: '02:00:00:00:00:0a', address: '10.9.0.1' } as const;
export const B = { mac: '02:00:00:00:00:0b', address: '10.9.0.2' } as const;

export class Wire implements Disposable {
  readonly a: string;
  readonly b: string;

  constructor(label: string) {
    this.a = `${label}-a`;
    this.b = `${label}-b`;
    batch(
      [],
      `netns add ${this.a}`,
      `netns add ${this.b}`,
      `link add a0 netns ${this.a} address ${A.mac} type veth peer b0 netns ${this.b} address ${B.mac}`,
    );
    // Router solicitations and the like would be drops of their own.
    for (const name of [this.a, this.b]) this.set(name, 'ipv6/conf/all/disable_ipv6', 1);
    batch(
      ['-n', this.a],
      'link set lo up',
      `address add ${A.address}/24 dev a0`,
      'link set a0 up',
      `neighbour replace ${B.address} lladdr ${B.mac} dev a0 nud permanent`,
    );
    batch(
      ['-n', this.b],
      'link set lo up',
      `address add ${B.address}/24 dev b0`,
      'link set b0 up',
      `neighbour replace ${A.address} lladdr ${A.mac} dev b0 nud permanent`,
    );
  }

  /** Runs a program in one of the namespaces. Returns what it printed; throws when it fails. */
  in(namespace: string, program: string, ...args: readonly string[]): string {
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    return this.within(namespace, () => execFileSync(program, args, { encoding: 'utf8', stdio: [...stdio] }));
  }

  /** Sets a value below /proc/sys/net. */
  set(namespace: string, path: string, value: number): void {
    this.within(namespace, () => writeFileSync(`/proc/sys/net/${path}`, String(value)));
  }

  /** Runs `work` with this thread in one of the namespaces: sockets that it opens stay there. */
  within<T>(namespace: string, work: () => T): T {
    const [home, there] = [openSync('/proc/self/ns/net', 'r'), openSync(`/run/netns/${namespace}`, 'r')];
    enterNetworkNamespace(there, namespace);
    try {
      return work();
    } finally {
      enterNetworkNamespace(home, 'where it came from');
      closeSync(there);
      closeSync(home);
    }
  }

  [Symbol.dispose](): void {
    batch([], `netns delete ${this.a}`, `netns delete ${this.b}`);
  }
}

/** A program costs a VM under emulation half a second: as few as can be. */
function batch(options: readonly string[], ...commands: readonly string[]): void {
  execFileSync('ip', [...options, '-batch', '-'], {
    input: commands.join('\n'),
    stdio: ['pipe', 'ignore', 'pipe'],
  });
}
