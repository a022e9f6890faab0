/** Datagrams of netconsole, basic and extended, of many senders, through parser and reassembly into witnesses, logs and reports. */
import { NetconsolePacket } from '../../../crash/netconsole/packet.ts';
import { NetconsoleReassembly } from '../../../crash/netconsole/reassembly.ts';
import { basicDatagrams, extendedDatagrams, type LogRecord } from '../../load/netconsole.ts';
import { ENVELOPE_BYTES, envelope, RelayBed, SMALL } from '../relay.ts';
import { digest, type Target } from '../target.ts';

const TEXTS = [
  'eth0: link up',
  '------------[ cut here ]------------',
  'kernel BUG at lib/list_debug.c:59!',
  'BUG: unable to handle page fault for address: 00000000deadbeef',
  `Call Trace:\n ${'f+0x1/0x2\n '.repeat(60)}`,
  `Modules linked in: ${'netconsole '.repeat(80)}`,
  'Kernel panic - not syncing: Fatal exception in interrupt',
  '---[ end Kernel panic - not syncing: Fatal exception in interrupt ]---',
];

export function corpus(): Uint8Array[] {
  return TEXTS.flatMap((text, i) => {
    const record: LogRecord = { text, seq: 100 + i, uptimeUs: 7_000_000 + i, priority: 4 };
    return [
      ...extendedDatagrams(record),
      ...extendedDatagrams(
        { ...record, caller: 'T12' },
        { release: '6.12.57-amd64', userdata: [['msgid', String(i)]] },
      ),
      ...basicDatagrams(record),
      ...basicDatagrams({ ...record, caller: 'C0' }, { syslog: true }),
    ].map((datagram) => Buffer.concat([envelope(i), datagram]));
  });
}

export function open(input: Uint8Array): Target {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.length);
  const packet = new NetconsolePacket();
  const rules = { quietUs: 5_000_000, longestUs: 120_000_000, contextBytes: 4096 };
  const bed = new RelayBed(
    'netconsole',
    (events) => new NetconsoleReassembly({ ...SMALL, ...rules }, events),
  );

  return {
    run(length) {
      if (length < ENVELOPE_BYTES) return 0;
      const ok = packet.read(bytes, ENVELOPE_BYTES, length);
      bed.take(bytes, length);
      if (!ok) return 1;
      const { isExtended, releaseEnd, priority, seq, uptimeUs, fragmentOffset, fragmentLength, bodyStart } =
        packet;
      let sum = digest(digest(digest(Number(isExtended), releaseEnd), priority), seq);
      sum = digest(digest(digest(sum, uptimeUs), fragmentOffset), fragmentLength);
      return digest(sum, bodyStart);
    },
    settle: () => bed.settle(),
    bounds: () => bed.bounds(),
    counts: () => bed.totals,
  };
}
