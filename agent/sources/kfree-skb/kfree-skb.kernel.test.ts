import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { etherFlood } from '../../../test/load/ether-flood.ts';
import { Namespace } from '../../../test/load/namespace.ts';
import { udpFlood } from '../../../test/load/udp-flood.ts';
import { loadedProgramIds } from '../../kernel/bpf/bpf.ts';
import { ownCapabilities } from '../../kernel/capabilities.ts';
import { KernelError } from '../../kernel/libc.ts';
import { type DropRow, type KfreeSkbCounter, openKfreeSkb, probeKfreeSkb } from './index.ts';

const privileged =
  process.platform === 'linux' &&
  ownCapabilities().has('CAP_SYS_ADMIN') &&
  spawnSync('ip', ['netns', 'list']).status === 0;
const works = privileged && probeKfreeSkb().state === 'ok';

const CLOSED_PORT = 9;
const UDP_HEADER = 8;

/** What moved since the last reading, one row a (reason, function, protocol). */
function read(counter: KfreeSkbCounter): Map<string, DropRow> {
  const rows = new Map<string, DropRow>();
  counter.read((row) => {
    const name = `${row.reason} ${row.function} ${row.protocol}`;
    const sum = rows.get(name);
    if (sum === undefined) {
      rows.set(name, { ...row });
    } else {
      sum.events += row.events;
      sum.packets += row.packets;
      sum.bytes += row.bytes;
    }
  });
  return rows;
}

function sum(rows: Iterable<DropRow>): Pick<DropRow, 'events' | 'packets' | 'bytes'> {
  const total = { events: 0, packets: 0, bytes: 0 };
  for (const row of rows) {
    total.events += row.events;
    total.packets += row.packets;
    total.bytes += row.bytes;
  }
  return total;
}

// The machine's other drops count too: try again when they came in between.
const options = { retry: 3 };

describe.skipIf(!works)(
  'kfree-skb counts (needs root, iproute2 and a kernel with BTF and drop reasons)',
  options,
  () => {
    let namespace: Namespace;
    beforeAll(() => {
      namespace = new Namespace('netfall-drops');
    });
    afterAll(() => namespace[Symbol.dispose]());

    it.each([
      { host: '127.0.0.1', name: 'NO_SOCKET __udp4_lib_rcv IPv4' },
      { host: '::1', name: 'NO_SOCKET __udp6_lib_rcv IPv6' },
    ])('each datagram to a closed port of $host, exactly', async ({ host, name }) => {
      using counter = openKfreeSkb();
      const before = namespace.udpNoPorts();
      await udpFlood({ namespace: namespace.name, host, port: CLOSED_PORT, count: 20_000, payloadBytes: 100 })
        .done;
      const row = read(counter).get(name);
      expect(row).toMatchObject({
        events: 20_000,
        packets: 20_000,
        bytes: 20_000 * (100 + UDP_HEADER),
        module: '',
      });
      expect(row?.offset).toBeGreaterThan(0);
      expect(namespace.udpNoPorts() - before).toBe(20_000);
      expect(counter.ledger()).toEqual({
        overflowEvents: 0,
        overflowPackets: 0,
        overflowBytes: 0,
        misses: 0,
        unresolvedSymbols: 0,
        samplesLacked: 0,
      });
    });

    it('the packets that a segmentation offload made one buffer of', async () => {
      using counter = openKfreeSkb();
      const payloadBytes = 10_000;
      await udpFlood({
        namespace: namespace.name,
        host: '127.0.0.1',
        port: CLOSED_PORT,
        count: 1_000,
        payloadBytes,
        segmentBytes: 1_000,
      }).done;
      expect(read(counter).get('NO_SOCKET __udp4_lib_rcv IPv4')).toMatchObject({
        events: 1_000,
        packets: 10_000,
        bytes: 1_000 * (payloadBytes + UDP_HEADER),
      });
    });

    it('what moved since the last reading, and nothing that did not', async () => {
      using counter = openKfreeSkb();
      const flood = { namespace: namespace.name, host: '127.0.0.1', port: CLOSED_PORT, payloadBytes: 0 };
      await udpFlood({ ...flood, count: 300 }).done;
      await udpFlood({ ...flood, host: '::1', count: 200 }).done;
      const first = read(counter);
      expect(first.get('NO_SOCKET __udp4_lib_rcv IPv4')?.events).toBe(300);
      expect(first.get('NO_SOCKET __udp6_lib_rcv IPv6')?.events).toBe(200);
      await udpFlood({ ...flood, count: 50 }).done;
      const second = read(counter);
      expect(second.get('NO_SOCKET __udp4_lib_rcv IPv4')).toMatchObject({
        events: 50,
        packets: 50,
        bytes: 50 * UDP_HEADER,
      });
      expect(second.has('NO_SOCKET __udp6_lib_rcv IPv6')).toBe(false);
    });

    it('everything while it is being read without pause', async () => {
      using counter = openKfreeSkb();
      const { done } = udpFlood({
        namespace: namespace.name,
        host: '127.0.0.1',
        port: CLOSED_PORT,
        count: 200_000,
      });
      let ended = false;
      const waiting = done.finally(() => {
        ended = true;
      });
      let events = 0;
      let readings = 0;
      const visit = (row: Readonly<DropRow>) => {
        if (row.function === '__udp4_lib_rcv') events += row.events;
      };
      while (!ended) {
        for (let i = 0; i < 200; i++, readings++) counter.read(visit);
        await sleep(0);
      }
      await waiting;
      counter.read(visit);
      expect(readings).toBeGreaterThan(1_000);
      expect(events).toBe(200_000);
      expect(counter.ledger()).toMatchObject({ overflowEvents: 0, misses: 0 });
    });

    it('made-up EtherTypes under one name, and known ones under theirs', async () => {
      using counter = openKfreeSkb();
      const madeUp = Array.from({ length: 60 }, (_, i) => 0x9000 + i);
      const before = namespace.receiveDrops('lo');
      await etherFlood({
        namespace: namespace.name,
        interface: 'lo',
        etherTypes: [...madeUp, 0x8864, 0x88cc],
        count: 62 * 100,
        payloadBytes: 46,
      }).done;
      const rows = read(counter);
      const of = (protocol: string) => rows.get(`UNHANDLED_PROTO __netif_receive_skb_core ${protocol}`);
      expect(of('other')).toMatchObject({ events: 6_000, packets: 6_000, bytes: 6_000 * 46 });
      expect(of('PPPoE')).toMatchObject({ events: 100, packets: 100, bytes: 100 * 46 });
      expect(of('LLDP')).toMatchObject({ events: 100, packets: 100, bytes: 100 * 46 });
      expect(namespace.receiveDrops('lo') - before).toBe(6_200);
    });

    it('what finds no place in the table as overflow', async () => {
      // The second counter also sees what the rest of the machine drops meanwhile.
      using small = openKfreeSkb({ maxEntries: 4 });
      using large = openKfreeSkb();
      const place = { namespace: namespace.name, count: 6_000 };
      const etherTypes = [0x8847, 0x8864, 0x88cc, 0x888e, 0x9000];
      await etherFlood({ ...place, interface: 'lo', etherTypes, payloadBytes: 46 }).done;
      await udpFlood({ ...place, host: '127.0.0.1', port: CLOSED_PORT, payloadBytes: 46 - UDP_HEADER }).done;
      await udpFlood({ ...place, host: '::1', port: CLOSED_PORT, payloadBytes: 46 - UDP_HEADER }).done;
      const named = read(small);
      const ledger = small.ledger();
      const all = read(large);
      const ours = [...all.values()].filter((row) =>
        /^(__udp[46]_lib_rcv|__netif_receive_skb_core)$/.test(row.function),
      );
      expect(ours).toHaveLength(7);
      expect(sum(ours)).toEqual({ events: 18_000, packets: 18_000, bytes: 18_000 * 46 });
      expect(named.size).toBeLessThanOrEqual(4);
      const few = sum(named.values());
      expect({
        events: few.events + ledger.overflowEvents,
        packets: few.packets + ledger.overflowPackets,
        bytes: few.bytes + ledger.overflowBytes,
      }).toEqual(sum(all.values()));
      expect(ledger.overflowEvents).toBeGreaterThan(0);
      expect(large.ledger().overflowEvents).toBe(0);
    });

    // The kernel unloads with a delay, so ids seen before may vanish meanwhile: only new ones tell.
    const newSince = (before: readonly number[]) => loadedProgramIds().filter((id) => !before.includes(id));

    it('nothing after it was closed, and leaves no program behind', async () => {
      const before = loadedProgramIds();
      const counter = openKfreeSkb();
      expect(newSince(before)).toHaveLength(2);
      counter.close();
      counter.close();
      await vi.waitFor(() => expect(newSince(before)).toEqual([]));
      expect(() => counter.read(() => {})).toThrow('is closed');
    });

    it('and leaves no program behind after probing and after failing to open', async () => {
      const before = loadedProgramIds();
      expect(probeKfreeSkb().state).toBe('ok');
      expect(() => openKfreeSkb({ maxEntries: 2 ** 31, maxTableBytes: Number.MAX_SAFE_INTEGER })).toThrow(
        KernelError,
      );
      await vi.waitFor(() => expect(newSince(before)).toEqual([]));
    });
  },
);

const NOBODY = 65_534;
const script = `
  import { createSocket } from 'node:dgram';
  import { openKfreeSkb, probeKfreeSkb } from ${JSON.stringify(import.meta.resolve('./index.ts'))};
  const probe = probeKfreeSkb();
  const rows = [];
  if (probe.state === 'ok') {
    const counter = openKfreeSkb();
    const socket = createSocket('udp4');
    for (let i = 0; i < 100; i++) {
      await new Promise((sent) => socket.send(new Uint8Array(24), ${CLOSED_PORT}, '127.0.0.1', sent));
    }
    socket.close();
    counter.read((row) => rows.push({ ...row }));
  }
  console.log(JSON.stringify({ uid: process.getuid(), probe, rows }));
`;

/** Runs the script as an ordinary user with these capabilities (`+bpf`) and no others. */
function runAsNobody(capabilities: readonly string[]): SpawnSyncReturns<string> {
  const set = ['-all', ...capabilities].join(',');
  return spawnSync(
    'setpriv',
    [
      `--reuid=${NOBODY}`,
      `--regid=${NOBODY}`,
      '--clear-groups',
      `--inh-caps=${set}`,
      `--ambient-caps=${set}`,
      process.execPath,
      '--input-type=module',
      '--eval',
      script,
    ],
    { encoding: 'utf8', cwd: '/' },
  );
}

const readableByAll =
  works &&
  spawnSync('setpriv', [`--reuid=${NOBODY}`, '--clear-groups', 'test', '-r', import.meta.filename]).status ===
    0;

describe.skipIf(!readableByAll)(
  'kfree-skb for an ordinary user (needs root, setpriv and a checkout that everyone may read)',
  options,
  () => {
    const hiding = '/proc/sys/kernel/kptr_restrict';
    let hidden = '';
    beforeAll(() => {
      hidden = readFileSync(hiding, 'latin1');
      writeFileSync(hiding, '2');
    });
    afterAll(() => writeFileSync(hiding, hidden));

    it('counts and names functions with CAP_BPF and CAP_PERFMON alone, where addresses are hidden', () => {
      const { stdout, stderr } = runAsNobody(['+bpf', '+perfmon']);
      expect(stderr).toBe('');
      const { uid, probe, rows } = JSON.parse(stdout);
      expect(uid).toBe(NOBODY);
      expect(probe.state).toBe('ok');
      expect(rows).toContainEqual({
        reason: 'NO_SOCKET',
        function: '__udp4_lib_rcv',
        offset: expect.any(Number),
        module: '',
        protocol: 'IPv4',
        events: 100,
        packets: 100,
        bytes: 100 * (24 + UDP_HEADER),
      });
    });

    it.each([
      { capabilities: [], missing: 'CAP_BPF and CAP_PERFMON not held' },
      { capabilities: ['+bpf'], missing: 'CAP_PERFMON not held' },
      { capabilities: ['+perfmon'], missing: 'CAP_BPF not held' },
    ])('says what is missing with $capabilities, and the mend', ({ capabilities, missing }) => {
      const { stdout, stderr } = runAsNobody(capabilities);
      expect(stderr).toBe('');
      expect(JSON.parse(stdout).probe).toEqual({
        state: 'unavailable',
        detail: 'counts no drops',
        missing,
        mend: `setcap cap_bpf,cap_perfmon+ep ${process.execPath}, or AmbientCapabilities=CAP_BPF CAP_PERFMON in the systemd unit`,
      });
    });
  },
);
