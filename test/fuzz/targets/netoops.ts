/** Datagrams of netoops, of many senders, through parser and reassembly into witnesses, logs and reports. */
import { NetoopsPacket } from '../../../crash/netoops/packet.ts';
import { NetoopsReassembly } from '../../../crash/netoops/reassembly.ts';
import { type Format, LAYOUTS, netoopsDatagrams, segmentsOf } from '../../load/netoops.ts';
import { ENVELOPE_BYTES, envelope, RelayBed, SMALL } from '../relay.ts';
import { digest, type Target } from '../target.ts';

const LOG = Buffer.from(
  `${'[    6.999000] eth0: link up\n'.repeat(110)}[    7.000010] Kernel panic - not syncing: sysrq triggered crash\n`,
);

export function corpus(): Uint8Array[] {
  const formats: Format[] = [
    { version: 2 },
    ...LAYOUTS.map((layout): Format => ({ version: 3, layout, bootId: 7 })),
    { version: 3, layout: 'user-blob', machine: 'i386', bootId: 7 },
  ];
  return formats.flatMap((format) =>
    [0, 1500, 2048].flatMap((wrap) => {
      const dump = {
        segments: segmentsOf(LOG, wrap),
        kernelVersion: '6.1.0-50-amd64',
        seconds: wrap,
        format,
      };
      return netoopsDatagrams({ ...dump, transmissions: 1 }).map((datagram, i) => {
        return Buffer.concat([envelope(i), datagram]);
      });
    }),
  );
}

export function open(input: Uint8Array): Target {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.length);
  const packet = new NetoopsPacket();
  const times = { quietUs: 5_000_000, keepUs: 10_000_000, longestUs: 60_000_000 };
  const bed = new RelayBed('netoops', (events) => new NetoopsReassembly({ ...SMALL, ...times }, events));

  return {
    run(length) {
      if (length < ENVELOPE_BYTES) return 0;
      const defect = packet.read(bytes, ENVELOPE_BYTES, length);
      bed.take(bytes, length);
      if (defect) return defect.length;
      const { version, dumpId, bootId, type, packetCount, packetNo, dataStart } = packet;
      let sum = digest(digest(digest(version, dumpId), bootId), type);
      sum = digest(digest(digest(sum, packetCount), packetNo), dataStart);
      return digest(sum, packet.kernel().length);
    },
    settle: () => bed.settle(),
    bounds: () => bed.bounds(),
    counts: () => bed.totals,
  };
}
