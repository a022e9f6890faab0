/** What a function writes that makes datagrams, without sending them. */

import { LONGEST_DATAGRAM } from '../crash-traffic.ts';
import type { Slots, WriteDatagram } from '../datagrams.ts';

export interface Written {
  /** An IPv4 address as a number. */
  readonly source: number;
  readonly destination: number;
  readonly bytes: Buffer;
}

/** The first `count` datagrams. */
export function written(write: WriteDatagram, count: number): Written[] {
  const bytes = Buffer.alloc(LONGEST_DATAGRAM);
  let [source, destination, length] = [0, 0, 0];
  const slots: Slots = {
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    put: (_slot, content, from, to) => {
      bytes.set(content);
      [source, destination, length] = [from, to, content.length];
      return 0;
    },
  };
  return Array.from({ length: count }, (_, n) => {
    write(slots, 0, n);
    return { source, destination, bytes: Buffer.from(bytes.subarray(0, length)) };
  });
}
