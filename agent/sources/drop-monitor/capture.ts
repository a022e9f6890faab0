/** Catches dropped packets for a capture, by the drop monitor's alerts. It must not know what becomes of them. */

import type { CaptureSource, CaughtPacket } from '../../capture/session.ts';
import { Links } from '../../kernel/netlink/links.ts';
import { interfaceName } from '../../names/interfaces.ts';
import type { Range } from './alert-reader.ts';
import { firstEtherType, parseCutSymbol } from './packet.ts';
import { recordFile, Tap, type TappedKernel } from './tap.ts';

export interface DropMonitorCaptureOptions {
  /** Bytes of a packet that are kept at most. */
  readonly snapLength: number;
  /** Stands in for `/`. */
  readonly root?: string;
  /** Default: this kernel's. */
  readonly kernel?: TappedKernel;
}

const RECORD = 'drop-monitor-capture.json';
const QUEUE_LENGTH = 10_000;
const RECEIVE_BUFFER_BYTES = 32 * 1024 ** 2;
const CHECK_EVERY_MS = 1000;

/**
 * Takes the monitor over, or listens when somebody has it send packets already.
 * @throws KernelError, Error of fs: `probeDropMonitor()` says in words what is missing.
 */
export function captureByDropMonitor({
  snapLength,
  root = '/',
  kernel,
}: DropMonitorCaptureOptions): CaptureSource {
  using resources = new DisposableStack();
  const links = resources.use(new Links());
  const tap = new Tap({
    mode: 'packet',
    truncationBytes: snapLength,
    queueLength: QUEUE_LENGTH,
    hardware: true,
    share: true,
    receiveBufferBytes: RECEIVE_BUFFER_BYTES,
    record: recordFile(root, RECORD),
    ...(kernel && { kernel }),
  });
  resources.adopt(tap, () => tap.close());
  if (tap.mode !== 'packet') {
    throw new Error(
      'the drop monitor runs in summary mode for somebody else: end that first (dropwatch, or an agent)',
    );
  }
  const { alerts } = tap;
  const { packet } = alerts.reader;
  const { slab } = alerts;
  const text = ({ start, end }: Range) => Buffer.from(slab.subarray(start, end)).toString('latin1');
  const owned = resources.move();
  let lost = 0;
  let checkedMs = performance.now();
  return {
    description: tap.listening ? 'drop_monitor, which another program runs' : 'drop_monitor',
    poll(take) {
      links.update();
      if (performance.now() - checkedMs > CHECK_EVERY_MS) {
        tap.check();
        checkedMs = performance.now();
      }
      alerts.read((kind) => {
        if (kind !== 'packet') return;
        const { start, end } = packet.payload;
        const location = parseCutSymbol(text(packet.symbol));
        const caught: CaughtPacket = {
          reason: text(packet.reason),
          function: location?.function ?? '',
          offset: location?.offset ?? 0,
          trap: text(packet.trap),
          interface: text(packet.inName) || interfaceName(packet.inIndex, '', links),
          timeUs: packet.timestampUs,
          bytes: slab,
          start,
          copied: Math.min(end - start, snapLength),
          etherType: firstEtherType(slab, start, end, packet.protocol),
          length: packet.originalBytes > 0 ? packet.originalBytes : end - start,
          namespace: '',
          inbound: packet.inIndex > 0 ? true : undefined,
        };
        take(caught);
      });
      const { socket_full, queue_full, malformed } = tap.losses();
      lost = socket_full + queue_full + malformed;
    },
    lost: () => lost,
    [Symbol.dispose]: () => owned.dispose(),
  };
}
