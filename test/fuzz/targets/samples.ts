/**
 * Samples of kfree-skb as they stand in the ring buffer: read, made into specimens with their flows, and reported. An input
 * is a record.
 */
import { NetworkNamespaces } from '../../../agent/inventory/namespaces.ts';
import { RECORD } from '../../../agent/sources/kfree-skb/samples/program.ts';
import { firstEtherType, SampleReader } from '../../../agent/sources/kfree-skb/samples/sample.ts';
import { writeSample } from '../../../agent/sources/kfree-skb/samples/testing/sample-writer.ts';
import { specimenOf } from '../../../agent/sources/specimen.ts';
import { builtPackets } from '../packets.ts';
import { Report } from '../report.ts';
import { digest, must, type Target } from '../target.ts';

const PACKETS_OF_A_KIND = 100;
const SNAP_LENGTH = 128;
const HEADROOM = 64;
const ETHERNET_BYTES = 14;
const NAMESPACE = 0xf000_0001;
const KINDS = 64;

export function corpus(): Uint8Array[] {
  const common = {
    timeNs: 1_700_000_000n,
    arrivedOn: 2,
    namespace: NAMESPACE,
    deviceIndex: 3,
    start: HEADROOM,
  };
  const frames = builtPackets('frames', PACKETS_OF_A_KIND).map(({ bytes }, i) =>
    writeSample({
      ...common,
      location: 0xffff_ffff_8100_0000n + BigInt(i),
      reason: i,
      etherType: 0x0800,
      length: bytes.length - ETHERNET_BYTES,
      data: HEADROOM + ETHERNET_BYTES,
      mac: HEADROOM,
      network: HEADROOM + ETHERNET_BYTES,
      packet: bytes.subarray(0, SNAP_LENGTH),
    }),
  );
  const packets = builtPackets('ip', PACKETS_OF_A_KIND).map(({ bytes, etherType }, i) =>
    writeSample({
      ...common,
      reason: i,
      etherType: i % 2 === 0 ? etherType : 0,
      length: bytes.length,
      data: HEADROOM,
      network: HEADROOM,
      packet: bytes.subarray(0, SNAP_LENGTH),
    }),
  );
  return [...frames, ...packets, writeSample(common)];
}

export function open(input: Uint8Array): Target {
  const reader = new SampleReader(input);
  const view = new DataView(input.buffer, input.byteOffset, input.length);
  const namespaces = new NetworkNamespaces('/nonexistent', () => 0);
  const report = new Report();
  const totals = { specimens: 0, flows: 0, 'of no known layer': 0, 'too short for a record': 0 };

  return {
    run(length) {
      // The program reserves whole records.
      if (length < RECORD.bytes) {
        totals['too short for a record']++;
        return 0;
      }
      const sample = reader.read(0, length);
      const { start, copied, mac, network } = sample;
      must(
        start === RECORD.bytes && copied >= 0 && start + copied <= length,
        'a packet ends beyond its record',
      );
      must(sample.length >= copied, 'more of a packet was copied than it had');
      let sum = digest(digest(digest(copied, network), Number(mac)), sample.length);
      const etherType = firstEtherType(sample);
      sum = digest(sum, etherType);
      if (etherType < 0) {
        totals['of no known layer']++;
        return sum;
      }
      const reason = `REASON_${view.getUint32(RECORD.kind, true) % KINDS}`;
      const specimen = specimenOf(
        {
          ...sample,
          observedUs: sample.monotonicUs,
          reason,
          function: '__udp4_lib_rcv',
          etherType,
          interfaceIndex: sample.arrivedOn || sample.deviceIndex,
          namespace: namespaces.name(sample.namespace),
        },
        undefined,
      );
      totals.specimens++;
      totals.flows += specimen.flows.length;
      for (const { source, detail, protocol, tunnel_id } of specimen.flows) {
        sum = digest(digest(sum, source.length + detail.length), protocol.length + tunnel_id);
      }
      for (let i = 0; i < specimen.header.length; i++) sum = digest(sum, specimen.header[i]!);
      if (report.wantsSample(reason, specimen.function)) report.sample(specimen);
      return sum;
    },
    settle: () => report.close(),
    bounds: () => report.bounds(),
    counts: () => totals,
  };
}
