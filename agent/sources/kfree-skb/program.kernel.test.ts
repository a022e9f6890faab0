import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Namespace } from '../../../test/load/namespace.ts';
import { udpFlood } from '../../../test/load/udp-flood.ts';
import { MapReader } from '../../kernel/bpf/map.ts';
import { ownCapabilities } from '../../kernel/capabilities.ts';
import { possibleCpuCount } from '../../kernel/cpus.ts';
import { type Layout, readLayout } from './layout.ts';
import { createMaps, loadProgram, readBtf } from './load.ts';
import { ownNamespace, readNamespaceLayout } from './namespace.ts';
import { probeKfreeSkb } from './probe.ts';
import { KEY_BYTES, VALUE_BYTES } from './program.ts';

const works =
  process.platform === 'linux' &&
  ownCapabilities().has('CAP_SYS_ADMIN') &&
  spawnSync('ip', ['netns', 'list']).status === 0 &&
  probeKfreeSkb().state !== 'unavailable';

/** Too few for slots in front, so that all counts are in the table. */
const ENTRIES = 15;
const IPV6 = 0x86dd;

/** Values under IPv6 by reason, added up over locations and CPUs: events, packets, bytes. */
function countsByReason(reader: MapReader): Map<number, number[]> {
  const counts = new Map<number, number[]>();
  reader.rewind();
  const keys = new DataView(reader.keys);
  const values = new BigUint64Array(reader.values);
  for (let count = reader.next(); count >= 0; count = reader.next()) {
    for (let entry = 0; entry < count; entry++) {
      if (keys.getUint16(entry * KEY_BYTES + 12, true) !== IPV6) continue;
      const reason = keys.getUint32(entry * KEY_BYTES + 8, true);
      const sums = counts.get(reason) ?? [0, 0, 0];
      const words = VALUE_BYTES / 8;
      const width = possibleCpuCount() * words;
      for (let i = 0; i < width; i++) {
        if (i % words < 3) sums[i % words]! += Number(values[entry * width + i]);
      }
      counts.set(reason, sums);
    }
  }
  return counts;
}

// The machine's other drops count too: try again when they came in between.
describe.skipIf(!works)('countDrops (needs root, iproute2 and a kernel with BTF)', { retry: 3 }, () => {
  let namespace: Namespace;
  beforeAll(() => {
    namespace = new Namespace('netfall-program');
  });
  afterAll(() => namespace[Symbol.dispose]());

  const variants: readonly { kernel: string; change: Partial<Layout> }[] = [
    { kernel: 'this one', change: {} },
    { kernel: 'one before 6.2, without the cast', change: { readOnlyCast: undefined } },
    {
      kernel: 'one before 5.17, without reasons',
      change: { readOnlyCast: undefined, reasonArgument: undefined },
    },
  ];

  it.each(variants)('counts events, packets and bytes as on $kernel', async ({ change }) => {
    using resources = new DisposableStack();
    const layout = { ...readLayout(readBtf('')), ...change };
    const maps = createMaps(ENTRIES, resources);
    expect(maps.front).toBeUndefined();
    const program = resources.use(loadProgram(layout, maps));
    resources.use(program.attachRawTracepoint());
    await udpFlood({
      namespace: namespace.name,
      host: '::1',
      port: 9,
      count: 500,
      payloadBytes: 5_000,
      segmentBytes: 1_000,
    }).done;
    const counts = countsByReason(new MapReader(maps.table, possibleCpuCount() * VALUE_BYTES, ENTRIES));
    expect([...counts.values()]).toContainEqual([500, 2_500, 500 * (5_000 + 8)]);
    expect(counts.has(0)).toBe(layout.reasonArgument === undefined);
  });

  it('tells namespaces apart as on one before 6.11, which does not say whose socket received', async () => {
    using resources = new DisposableStack();
    const btf = readBtf('');
    const layout = { ...readNamespaceLayout(btf), receiverArgument: undefined };
    const events: number[] = [];
    for (const inode of [namespace.enter(() => ownNamespace('')), ownNamespace('')]) {
      const maps = createMaps(ENTRIES, resources);
      const program = resources.use(loadProgram(readLayout(btf), maps, undefined, { layout, inode }));
      resources.use(program.attachRawTracepoint());
      await udpFlood({ namespace: namespace.name, host: '::1', port: 9, count: 100 }).done;
      const counts = countsByReason(new MapReader(maps.table, possibleCpuCount() * VALUE_BYTES, ENTRIES));
      events.push(counts.values().next().value?.[0] ?? 0);
    }
    expect(events).toEqual([100, 0]);
  });
});
