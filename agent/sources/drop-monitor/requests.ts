/**
 * What the drop monitor is asked, as bytes, and what it answers about its configuration and its statistics. Pure: nothing
 * that is malformed throws.
 *
 * Format: net/core/drop_monitor.c.
 */

import type { GenericFamily } from '../../kernel/netlink/generic.ts';
import { AttributeCursor, GENERIC_HEADER_BYTES, type MessageCursor } from '../../kernel/netlink/message.ts';
import type { MessageWriter } from '../../kernel/netlink/writer.ts';
import { Attribute, Command, StatsAttribute } from './wire.ts';

const MODES = ['summary', 'packet'] as const;

/** How the monitor is set up, for the whole machine. */
export interface MonitorConfig {
  readonly mode: (typeof MODES)[number];
  /** Bytes of a packet that an alert holds at most; 0 for all of them. */
  readonly truncationBytes: number;
  /** Packets that wait on each CPU at most. */
  readonly queueLength: number;
}

/** Drops that the monitor could not report because its queues were full, since the module was loaded. */
export interface MonitorStats {
  readonly software: number;
  readonly hardware: number;
}

/** Reads the answer to `configGet`; undefined when it is malformed. */
export function readConfig(slab: Uint8Array, message: MessageCursor): MonitorConfig | undefined {
  let mode = -1;
  let truncationBytes = -1;
  let queueLength = -1;
  const attribute = new AttributeCursor(slab);
  attribute.reset(message.start + GENERIC_HEADER_BYTES, message.end);
  while (attribute.next()) {
    if (attribute.type === Attribute.mode) mode = attribute.u8();
    else if (attribute.type === Attribute.truncationBytes) truncationBytes = attribute.u32();
    else if (attribute.type === Attribute.queueLength) queueLength = attribute.u32();
  }
  const name = MODES[mode];
  if (name === undefined || truncationBytes < 0 || queueLength < 0) return undefined;
  return { mode: name, truncationBytes, queueLength };
}

/** Reads the answer to `statsGet`; undefined when it is malformed. */
export function readStats(slab: Uint8Array, message: MessageCursor): MonitorStats | undefined {
  let software = -1;
  let hardware = -1;
  const attribute = new AttributeCursor(slab);
  const nested = new AttributeCursor(slab);
  attribute.reset(message.start + GENERIC_HEADER_BYTES, message.end);
  while (attribute.next()) {
    if (attribute.type !== Attribute.stats && attribute.type !== Attribute.hardwareStats) continue;
    nested.reset(attribute.start, attribute.end);
    while (nested.next()) {
      if (nested.type !== StatsAttribute.dropped) continue;
      if (attribute.type === Attribute.stats) software = nested.u64();
      else hardware = nested.u64();
    }
  }
  return software < 0 || hardware < 0 ? undefined : { software, hardware };
}

type Family = Pick<GenericFamily, 'id' | 'version'>;

/** A request that carries nothing: `configGet` or `statsGet`. */
export function writeGet(writer: MessageWriter, family: Family, command: number): Uint8Array {
  return writer.beginGeneric(family.id, family.version, command).finish();
}

/** Changes what is given; refused with EBUSY while the monitor runs, even when nothing is given. */
export function writeConfig(
  writer: MessageWriter,
  family: Family,
  config: Partial<MonitorConfig>,
): Uint8Array {
  writer.beginGeneric(family.id, family.version, Command.config);
  if (config.mode !== undefined) writer.u8(Attribute.mode, MODES.indexOf(config.mode));
  if (config.truncationBytes !== undefined) writer.u32(Attribute.truncationBytes, config.truncationBytes);
  if (config.queueLength !== undefined) writer.u32(Attribute.queueLength, config.queueLength);
  return writer.finish();
}

/** Switches the monitoring of software's or hardware's drops on or off. */
export function writeSwitch(
  writer: MessageWriter,
  family: Family,
  command: 'start' | 'stop',
  drops: 'software' | 'hardware',
): Uint8Array {
  writer.beginGeneric(family.id, family.version, Command[command]);
  return writer.flag(Attribute[drops]).finish();
}
