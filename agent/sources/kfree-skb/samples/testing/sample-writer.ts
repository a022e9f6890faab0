/** Writes samples as the program does, for tests. */

import { RECORD } from '../program.ts';

const NO_MAC_HEADER = 0xffff;

/** What is left out is 0, and the MAC header none. */
export interface WrittenSample {
  readonly timeNs?: bigint;
  /** The code's address and the drop reason, of the key. */
  readonly location?: bigint;
  readonly reason?: number;
  readonly etherType?: number;
  readonly length?: number;
  readonly arrivedOn?: number;
  readonly namespace?: number;
  readonly deviceIndex?: number;
  readonly start?: number;
  readonly data?: number;
  readonly mac?: number;
  readonly network?: number;
  readonly packet?: Uint8Array;
  /** Default: as many bytes as the packet has. */
  readonly copied?: number;
}

/** A record, a multiple of 8 bytes long. */
export function writeSample(sample: WrittenSample): Uint8Array {
  const packet = sample.packet ?? new Uint8Array(0);
  const record = Buffer.alloc(RECORD.bytes + Math.ceil(packet.length / 8) * 8);
  record.writeBigUInt64LE(sample.timeNs ?? 0n, RECORD.time);
  record.writeBigUInt64LE(sample.location ?? 0n, RECORD.location);
  record.writeUInt32LE(sample.reason ?? 0, RECORD.kind);
  record.writeUInt32LE(sample.etherType ?? 0, RECORD.kind + 4);
  record.writeUInt32LE(sample.length ?? 0, RECORD.length);
  record.writeUInt32LE(sample.arrivedOn ?? 0, RECORD.arrivedOn);
  record.writeUInt32LE(sample.namespace ?? 0, RECORD.namespace);
  record.writeUInt32LE(sample.deviceIndex ?? 0, RECORD.deviceIndex);
  record.writeUInt32LE(sample.start ?? 0, RECORD.start);
  record.writeUInt32LE(sample.data ?? 0, RECORD.data);
  record.writeUInt16LE(sample.mac ?? NO_MAC_HEADER, RECORD.mac);
  record.writeUInt16LE(sample.network ?? 0, RECORD.network);
  record.writeUInt32LE(sample.copied ?? packet.length, RECORD.copied);
  record.set(packet, RECORD.bytes);
  return record;
}
