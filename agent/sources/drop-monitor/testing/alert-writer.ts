/** Writes the messages that drop_monitor sends, for tests: attributes in the kernel's order. */

import { MessageWriter } from '../../../kernel/netlink/writer.ts';
import { Attribute, Command, PortAttribute, StatsAttribute } from '../wire.ts';

/** The number that the kernel would give the family. */
export const FAMILY_ID = 0x1c;
const NO_VERSION = 0;

/** A packet alert's contents; what is undefined is left out. */
export interface WrittenPacket {
  readonly origin?: number | undefined;
  readonly pc?: bigint | undefined;
  readonly reason?: string | undefined;
  readonly symbol?: string | undefined;
  readonly trapGroup?: string | undefined;
  readonly trap?: string | undefined;
  readonly inIndex?: number | undefined;
  readonly inName?: string | undefined;
  readonly cookie?: Uint8Array | undefined;
  readonly timestampNs?: bigint | undefined;
  readonly originalBytes?: number | undefined;
  readonly protocol?: number | undefined;
  readonly payload?: Uint8Array | undefined;
}

/** A message of the family, whose attributes `write` adds. */
export function message(command: number, write: (writer: MessageWriter) => void): Uint8Array {
  const writer = new MessageWriter(1 << 17).beginGeneric(FAMILY_ID, NO_VERSION, command);
  write(writer);
  return writer.finish();
}

export function packetAlert(packet: WrittenPacket): Uint8Array {
  return message(Command.packetAlert, (writer) => {
    const { inIndex, inName } = packet;
    if (packet.origin !== undefined) writer.u16(Attribute.origin, packet.origin);
    if (packet.pc !== undefined) writer.u64(Attribute.pc, packet.pc);
    if (packet.reason !== undefined) writer.string(Attribute.reason, packet.reason);
    if (packet.symbol !== undefined) writer.string(Attribute.symbol, packet.symbol);
    if (packet.trapGroup !== undefined) writer.string(Attribute.trapGroup, packet.trapGroup);
    if (packet.trap !== undefined) writer.string(Attribute.trap, packet.trap);
    writer.nest(Attribute.inPort, () => {
      if (inIndex !== undefined) writer.u32(PortAttribute.index, inIndex);
      if (inName !== undefined) writer.string(PortAttribute.name, inName);
    });
    if (packet.cookie !== undefined) writer.bytes(Attribute.cookie, packet.cookie);
    if (packet.timestampNs !== undefined) writer.u64(Attribute.timestamp, packet.timestampNs);
    if (packet.originalBytes !== undefined) writer.u32(Attribute.originalBytes, packet.originalBytes);
    if (packet.protocol !== undefined) writer.u16(Attribute.protocol, packet.protocol);
    if (packet.payload !== undefined) writer.bytes(Attribute.payload, packet.payload);
  });
}

/** @param declared how many points the message says that it has. */
export function summaryAlert(
  points: readonly { pc: bigint; count: number }[],
  declared = points.length,
): Uint8Array {
  return message(Command.summaryAlert, (writer) => writer.bytes(Attribute.points, table(points, declared)));
}

export function hardwareSummary(traps: readonly { trap: string; count: number }[]): Uint8Array {
  return message(Command.summaryAlert, (writer) => {
    writer.bytes(Attribute.points, table([], 0));
    writer.nest(Attribute.hardwareEntries, () => {
      for (const { trap, count } of traps) {
        writer.nest(Attribute.hardwareEntry, () =>
          writer.string(Attribute.trap, trap).u32(Attribute.trapCount, count),
        );
      }
    });
  });
}

export function configNew(mode: number, truncationBytes: number, queueLength: number): Uint8Array {
  return message(Command.configNew, (writer) => {
    writer.u8(Attribute.mode, mode);
    writer.u32(Attribute.truncationBytes, truncationBytes).u32(Attribute.queueLength, queueLength);
  });
}

export function statsNew(software: bigint, hardware: bigint): Uint8Array {
  return message(Command.statsNew, (writer) => {
    writer.nest(Attribute.stats, () => writer.u64(StatsAttribute.dropped, software));
    writer.nest(Attribute.hardwareStats, () => writer.u64(StatsAttribute.dropped, hardware));
  });
}

function table(points: readonly { pc: bigint; count: number }[], declared: number): Uint8Array {
  const bytes = Buffer.alloc(4 + points.length * 12);
  bytes.writeUInt32LE(declared, 0);
  for (const [i, { pc, count }] of points.entries()) {
    bytes.writeBigUInt64LE(pc, 4 + i * 12);
    bytes.writeUInt32LE(count, 12 + i * 12);
  }
  return bytes;
}
