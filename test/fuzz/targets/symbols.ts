/**
 * Names for addresses: symbols as the kernel prints them, whole and cut, and listings like /proc/kallsyms. An input is an
 * address of eight bytes and the text.
 */
import { findSymbol, showsAddresses } from '../../../agent/kernel/kallsyms.ts';
import { type CodeLocation, parseSymbol } from '../../../agent/names/symbols.ts';
import { parseCutSymbol } from '../../../agent/sources/drop-monitor/packet.ts';
import { digest, must, type Target } from '../target.ts';

const ADDRESS_BYTES = 8;
const MOST_OFFSET = 0xffff_ffff;

const SYMBOLS = [
  '__udp4_lib_rcv+0x9a2/0xc30',
  'ip_rcv_core.isra.0+0x1/0x2',
  'nft_do_chain+0x10/0x5a0 [nf_tables]',
  'f+0x1/0x2 [m 0123456789abcdef]',
  'unix_stream_connect.constprop.0.cold+0x',
  '0xffffffff81234567',
  'f+0xffffffff/0xffffffffffff',
];
const LISTING = `ffffffff81000000 T _text
ffffffff81000100 t do_one_initcall
ffffffff81bba000 T __udp4_lib_rcv
ffffffff81bbac30 t udp_queue_rcv_one_skb.part.0
ffffffff82000000 D init_task
ffffffffc0a00000 t nft_do_chain\t[nf_tables]
ffffffffc0a005a0 t nft_trace_notify\t[nf_tables]
`;

function input(address: bigint, text: string): Uint8Array {
  const bytes = Buffer.alloc(ADDRESS_BYTES + text.length);
  bytes.writeBigUInt64LE(address);
  bytes.write(text, ADDRESS_BYTES, 'latin1');
  return bytes;
}

export function corpus(): Uint8Array[] {
  const addresses = [0xffff_ffff_81bb_a9a2n, 0xffff_ffff_c0a0_0010n, 0xffff_ffff_8100_0000n];
  return [
    ...SYMBOLS.map((text) => input(0n, text)),
    ...addresses.map((address) => input(address, LISTING)),
    input(addresses[0]!, LISTING.replaceAll(/^[0-9a-f]{16}/gm, '0'.repeat(16))),
  ];
}

export function open(bytes: Uint8Array): Target {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const totals = { 'symbols read': 0, 'symbols refused': 0, 'addresses found': 0, 'addresses not found': 0 };

  function take(location: CodeLocation | undefined): number {
    totals[location ? 'symbols read' : 'symbols refused']++;
    if (!location) return 0;
    const { function: name, offset, size, module } = location;
    must(name !== '' && !/\s/.test(name), 'a function has no name');
    must(Number.isInteger(offset) && offset >= 0 && offset <= MOST_OFFSET, `the offset is ${offset}`);
    must(Number.isSafeInteger(size) && size >= 0, `the size is ${size}`);
    return digest(digest(name.length, offset), size + module.length);
  }

  return {
    run(length) {
      const at = Math.min(ADDRESS_BYTES, length);
      const address = length < ADDRESS_BYTES ? 0n : view.getBigUint64(0, true);
      const listing = bytes.subarray(at, length);
      const text = Buffer.from(bytes.buffer, bytes.byteOffset + at, length - at).toString('latin1');
      let sum = digest(take(parseSymbol(text)), take(parseCutSymbol(text)));
      const found = findSymbol(listing, address);
      totals[found ? 'addresses found' : 'addresses not found']++;
      if (found) {
        must(
          found.offset >= 0 && found.offset < 1 << 20 && found.size >= 0,
          'an address lies beyond its function',
        );
        must(!found.name.includes('\n'), 'a name goes on in the next line');
        sum = digest(digest(sum, found.offset), found.name.length);
      }
      return digest(sum, Number(showsAddresses(listing)));
    },
    bounds: () => [],
    counts: () => totals,
  };
}
