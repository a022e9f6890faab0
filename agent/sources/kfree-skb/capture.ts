/**
 * Catches dropped packets for a capture, by the drop program's samples: all that its filter lets through, not a few of a
 * kind. It must not know what becomes of them.
 */
import type { CaptureFilter } from '../../capture/filter.ts';
import type { CaptureSource, CaughtPacket } from '../../capture/session.ts';
import { NetworkNamespaces } from '../../inventory/namespaces.ts';
import { Links } from '../../kernel/netlink/links.ts';
import { interfaceName, isForIndices } from '../../names/interfaces.ts';
import { ReasonNames } from '../../names/reasons.ts';
import { openKfreeSkb } from './counter.ts';
import { readBtf, readModuleBtf } from './load.ts';
import type { PacketFilter } from './samples/filter.ts';
import { firstEtherType } from './samples/sample.ts';

export interface KfreeSkbCaptureOptions {
  readonly filter: CaptureFilter;
  /** Bytes of a packet that are kept at most. */
  readonly snapLength: number;
  /** µs since 1970. */
  readonly nowUs: () => number;
  /** Stands in for `/`. */
  readonly root?: string;
}

/** Longer lists cost every drop more than the ring buffer costs the few packets that they would keep out. */
const MOST_CONDITIONS = 64;
/** Packets that may wait for {@link CaptureSource.poll}: 8 MiB, or as much as 1 024 whole ones take. */
const LEAST_RING_BYTES = 8 * 1024 ** 2;
const PACKETS_IN_RING = 1024;
const UNBOUNDED = 0xffff_ffff;

/** @throws KernelError, VerifierError, BtfError, LayoutError: `probeKfreeSkb()` says in words what is missing. */
export function captureByKfreeSkb(options: KfreeSkbCaptureOptions): CaptureSource {
  const { filter, snapLength, nowUs, root = '' } = options;
  using resources = new DisposableStack();
  const links = resources.use(new Links());
  const counter = resources.use(
    openKfreeSkb({
      root,
      samples: {
        budget: UNBOUNDED,
        snapLength,
        ringBytes: Math.max(LEAST_RING_BYTES, 2 ** Math.ceil(Math.log2(PACKETS_IN_RING * snapLength))),
        filter: packetFilter(filter, links, root),
      },
    }),
  );
  const namespaces = new NetworkNamespaces(root === '' ? '/' : root, nowUs);
  const owned = resources.move();
  const caught = emptyPacket();
  return {
    description: 'kfree-skb (BPF)',
    poll(take) {
      links.update();
      const offsetUs = nowUs() - Number(process.hrtime.bigint() / 1000n);
      counter.readSamples((site, sample) => {
        const etherType = firstEtherType(sample);
        const index = sample.arrivedOn || sample.deviceIndex;
        caught.reason = site.reason;
        caught.function = site.function === '?' ? '' : site.function;
        caught.offset = site.offset;
        caught.timeUs = sample.monotonicUs + offsetUs;
        caught.bytes = sample.bytes;
        caught.start = sample.start;
        caught.copied = sample.copied;
        // What cannot be told apart is written as it is, for people to look at.
        caught.etherType = Math.max(0, etherType);
        caught.length = sample.length;
        caught.namespace = namespaces.name(sample.namespace);
        caught.interface = interfaceName(index, caught.namespace, links);
        caught.inbound = sample.arrivedOn > 0 ? true : index > 0 ? false : undefined;
        take(caught);
      });
    },
    lost: () => counter.ledger().samplesLacked,
    [Symbol.dispose]: () => owned.dispose(),
  };
}

/** What of a filter the program can judge. */
function packetFilter(filter: CaptureFilter, links: Links, root: string): PacketFilter {
  const { reasons, interfaces, protocols, prefixes, ports } = filter;
  const any = (patterns: readonly RegExp[]) => (name: string) =>
    patterns.some((pattern) => pattern.test(name));
  const numbers = protocols?.map(({ number }) => number).filter((number) => number !== undefined);
  const btf = readBtf(root);
  return {
    ...few(
      'reasons',
      reasons && new ReasonNames(btf, (name) => readModuleBtf(root, name)).numbers(any(reasons)),
    ),
    // Those that go by their index may be in any namespace.
    ...few(
      'interfaces',
      interfaces?.some(isForIndices) ? undefined : interfaces && links.indices(any(interfaces)),
    ),
    // A protocol that is told by its header may be anywhere in a packet.
    ...few('protocols', numbers?.length === protocols?.length ? numbers : undefined),
    ...few('prefixes', prefixes),
    ...few('ports', ports),
  };
}

function few<K extends keyof PacketFilter>(key: K, list: PacketFilter[K]): Pick<PacketFilter, K> | undefined {
  return list && list.length <= MOST_CONDITIONS ? ({ [key]: list } as Pick<PacketFilter, K>) : undefined;
}

function emptyPacket(): { -readonly [K in keyof CaughtPacket]: CaughtPacket[K] } {
  return {
    reason: '',
    function: '',
    offset: 0,
    trap: '',
    interface: '',
    timeUs: 0,
    bytes: new Uint8Array(),
    start: 0,
    copied: 0,
    etherType: 0,
    length: 0,
    namespace: '',
    inbound: undefined,
  };
}
