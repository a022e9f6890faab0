/** What queueing disciplines drop, on the running kernel: exact against tc. */
import { execFileSync, spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Namespace } from '../../../test/load/namespace.ts';
import { udpFlood } from '../../../test/load/udp-flood.ts';
import { Recorder } from '../../testing/recorder.ts';
import { Growth } from './growth.ts';
import { QdiscReader } from './qdiscs.ts';

const root = process.getuid?.() === 0;

/** Whether this kernel has a queueing discipline. */
function has(...qdisc: string[]): boolean {
  if (!root) return false;
  using namespace = new Namespace('netfall-has');
  namespace.ip('link add d0 type veth peer name d1');
  return spawnSync('tc', ['-n', namespace.name, 'qdisc', 'add', 'dev', 'd0', 'root', ...qdisc]).status === 0;
}

const SLOW = 'rate 8kbit burst 1600 limit 3000';

interface Shown {
  readonly drops: number;
  readonly packets: number;
  readonly qlen: number;
}

describe.skipIf(!root)('queueing disciplines (needs root and iproute2)', () => {
  let namespace: Namespace;
  let reader: QdiscReader;

  beforeEach(() => {
    namespace = new Namespace('netfall-qdiscs');
    namespace.withoutIpv6();
    namespace.ip('link add eth0 type veth peer name far');
    namespace.ip('address add 10.99.0.1/24 dev eth0');
    for (const name of ['eth0', 'far']) namespace.ip(`link set ${name} up`);
    namespace.ip('neigh add 10.99.0.2 lladdr 02:00:00:00:00:02 dev eth0');
    reader = namespace.enter(() => new QdiscReader(new Growth()));
  });

  afterEach(() => {
    reader.close();
    namespace[Symbol.dispose]();
  });

  const read = (losses = {}) => {
    const into = new Recorder();
    reader.read(into);
    expect(into.losses).toEqual(losses);
    return into.counters;
  };
  const tc = (command: string) => execFileSync('tc', ['-n', namespace.name, ...command.split(' ')]);
  const shown = (what: 'qdisc' | 'class', handle: string): Shown => {
    const text = execFileSync('tc', ['-n', namespace.name, '-s', '-j', what, 'show', 'dev', 'eth0'], {
      encoding: 'utf8',
    });
    return JSON.parse(text).find((each: Record<string, unknown>) => each['handle'] === handle);
  };
  /** Datagrams of 1042 bytes each on the wire, which the queue is too short and too slow for. */
  const flood = async (count: number) => {
    const to = { host: '10.99.0.2', port: 9, namespace: namespace.name };
    expect((await udpFlood({ ...to, count, payloadBytes: 1000 }).done).sent).toBe(count);
  };

  it.skipIf(!has('tbf', ...SLOW.split(' ')))("a root's drops are reported (needs sch_tbf)", async () => {
    tc(`qdisc add dev eth0 root handle 1: tbf ${SLOW}`);
    read();
    await flood(40);
    const counted = read();
    const { drops, packets, qlen } = shown('qdisc', '1:');
    expect(drops).toBeGreaterThan(30);
    expect(drops + packets + qlen).toBe(40);
    expect(counted['qdisc_drops@eth0']).toBe(drops);
    expect(counted['class_drops@eth0 1:1']).toBeUndefined();
    // Another queue in its place, with its handle, is one whose drops and overlimits were reset.
    tc('qdisc del dev eth0 root');
    tc(`qdisc add dev eth0 root handle 1: tbf ${SLOW}`);
    expect(read({ counter_reset: 2 })).toEqual({});
  });

  it.skipIf(!has('htb'))(
    "a class's drops are told with the class, and its root's (needs sch_htb)",
    async () => {
      tc('qdisc add dev eth0 root handle 1: htb default 20');
      tc('class add dev eth0 parent 1: classid 1:10 htb rate 1gbit quantum 1514');
      tc('class add dev eth0 parent 1: classid 1:20 htb rate 8kbit burst 1600 quantum 1514');
      tc('qdisc add dev eth0 parent 1:20 handle 20: pfifo limit 2');
      read();
      await flood(40);
      const counted = read();
      const { drops } = shown('qdisc', '20:');
      expect(drops).toBeGreaterThan(30);
      expect(counted['class_drops@eth0 1:20']).toBe(drops);
      expect(counted['qdisc_drops@eth0']).toBe(drops);
      expect(Object.keys(counted).filter((key) => key.includes('1:10'))).toEqual([]);
    },
  );

  it('nothing is reported where nothing is dropped', async () => {
    read();
    await flood(5);
    expect(read()).toEqual({});
  });
});
