/**
 * What netconsole puts on the wire for a message of the kernel's: basic or extended, from a record of printk's to datagrams.
 * Pure; shares no code with what receives them, so that each checks the other.
 *
 * Formats, as read in Linux 6.1 and 6.12: info_print_ext_header(), msg_print_ext_body() and record_print_text() in
 * kernel/printk/printk.c for messages, write_msg() and send_ext_msg_udp() in drivers/net/netconsole.c for datagrams. 6.1 has
 * neither the release nor user data. System data (later than 6.12: cpu, taskname, release, msgid) are further lines of user
 * data, behind all others.
 */

/** No datagram is longer: MAX_PRINT_CHUNK. */
const MOST_DATAGRAM = 1000;
/** The longest message with all that belongs to it: PRINTK_MESSAGE_MAX in 6.12, CONSOLE_EXT_LOG_MAX in 6.1. */
export const MESSAGE_BYTES = 2048;
export const OLD_MESSAGE_BYTES = 8192;
/** Where netconsole sends to unless told otherwise. */
export const NETCONSOLE_PORT = 6666;

const SEMICOLON = 0x3b;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const DELETE = 0x7f;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** What printk keeps of a message. */
export interface LogRecord {
  /** Without its last newline; printk keeps at most 1023 bytes. */
  readonly text: string;
  /** facility << 3 | level. */
  readonly priority: number;
  readonly seq: number;
  /** The kernel's clock, microseconds. */
  readonly uptimeUs: number;
  /** More of the line is to come in further records. */
  readonly continued?: boolean;
  /** The thread (`T12`) or CPU (`C0`) that said it, where CONFIG_PRINTK_CALLER is set. */
  readonly caller?: string;
  /** What dev_printk() knows of the device. */
  readonly subsystem?: string;
  readonly device?: string;
}

/** How a target of extended messages is configured. */
export interface ExtendedTarget {
  /** `uname -r`, before each message. */
  readonly release?: string;
  /** Keys and values behind the message's own, user data before system data. */
  readonly userdata?: readonly (readonly [key: string, value: string])[];
  /** The kernel's buffer for a message: {@link MESSAGE_BYTES} by default, or {@link OLD_MESSAGE_BYTES}. */
  readonly messageBytes?: number;
}

/** How the console shows messages. */
export interface BasicConsole {
  /** `<6>` before each line: console_msg_format=syslog. */
  readonly syslog?: boolean;
  /** `[    1.234567]`: printk.time. Default: true. */
  readonly time?: boolean;
}

/**
 * What a console prints for a record: every line of its text with what stands before messages. That many lines may be more
 * than the kernel's buffer holds is not modelled.
 */
export function basicText(record: LogRecord, { syslog = false, time = true }: BasicConsole = {}): string {
  let prefix = syslog ? `<${record.priority}>` : '';
  if (time) {
    const micros = String(record.uptimeUs % 1_000_000).padStart(6, '0');
    prefix += `[${String(Math.floor(record.uptimeUs / 1_000_000)).padStart(5)}.${micros}]`;
  }
  if (record.caller !== undefined) prefix += `[${record.caller.padStart(6)}]`;
  if (time || record.caller !== undefined) prefix += ' ';
  return record.text
    .split('\n')
    .map((line) => `${prefix}${line}\n`)
    .join('');
}

/** The datagrams of a record at a basic target. */
export function basicDatagrams(record: LogRecord, console: BasicConsole = {}): Uint8Array[] {
  const bytes = new TextEncoder().encode(basicText(record, console));
  const count = Math.ceil(bytes.length / MOST_DATAGRAM);
  return Array.from({ length: count }, (_, i) => bytes.slice(i * MOST_DATAGRAM, (i + 1) * MOST_DATAGRAM));
}

/**
 * The extended form of a record, as /dev/kmsg has it, too: `priority,seq,microseconds,flags[,caller=…];text`, a newline, and a
 * line ` KEY=value` for each thing known of a device. What is no printable ASCII, and `\`, stands as `\x0a`. Cut where the
 * kernel's buffer is full.
 */
export function extendedMessage(record: LogRecord, messageBytes: number = MESSAGE_BYTES): Uint8Array {
  const { priority, seq, uptimeUs, continued = false, caller, subsystem = '', device = '' } = record;
  const callerField = caller === undefined ? '' : `,caller=${caller}`;
  const header = `${priority},${seq},${uptimeUs},${continued ? 'c' : '-'}${callerField};`;
  const message = new BoundedText(messageBytes);
  message.append(header);
  message.appendEscaped(record.text, NEWLINE);
  for (const [key, value] of [['SUBSYSTEM', subsystem] as const, ['DEVICE', device] as const]) {
    if (value === '') continue;
    message.appendEscaped('', SPACE);
    message.appendEscaped(key, EQUALS);
    message.appendEscaped(value, NEWLINE);
  }
  return message.written();
}

/**
 * The datagrams of a record at an extended target. What fits into one datagram goes as it is, user data behind the message.
 * Else what follows the header's semicolon, and user data, are one body, which is cut so that each datagram but the last is
 * full: the header, `,ncfrag=offset/total;` in bytes of that body, and a piece of it.
 */
export function extendedDatagrams(record: LogRecord, target: ExtendedTarget = {}): Uint8Array[] {
  const { release = '', userdata = [], messageBytes = MESSAGE_BYTES } = target;
  const message = extendedMessage(record, messageBytes);
  const prefix = new TextEncoder().encode(release === '' ? '' : `${release},`);
  const trailer = new TextEncoder().encode(userdata.map(([key, value]) => ` ${key}=${value}\n`).join(''));
  const length = prefix.length + message.length + trailer.length;
  if (length <= MOST_DATAGRAM) return [wholeDatagram(prefix, message, trailer)];

  const semicolon = message.indexOf(SEMICOLON);
  const header = joined(prefix, message.subarray(0, semicolon));
  const body = joined(message.subarray(semicolon + 1), trailer);
  const datagrams: Uint8Array[] = [];
  for (let offset = 0; offset < body.length; ) {
    const fragment = joined(header, new TextEncoder().encode(`,ncfrag=${offset}/${body.length};`));
    const room = MOST_DATAGRAM - fragment.length;
    // Then the kernel warns, and sends nothing more of it.
    if (room <= 0) break;
    const piece = body.subarray(offset, offset + room);
    datagrams.push(joined(fragment, piece));
    offset += piece.length;
  }
  return datagrams;
}

/**
 * Release and user data go through scnprintf() into a buffer of 1000 bytes, which keeps one of them for a NUL. So with
 * exactly 1000 bytes the last is lost: not sent at the end of user data, sent as NUL at the end of a message.
 */
function wholeDatagram(prefix: Uint8Array, message: Uint8Array, trailer: Uint8Array): Uint8Array {
  const datagram = joined(prefix, message, trailer);
  if (datagram.length < MOST_DATAGRAM) return datagram;
  if (trailer.length > 0) return datagram.subarray(0, -1);
  if (prefix.length > 0) datagram[MOST_DATAGRAM - 1] = 0;
  return datagram;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Text in a buffer of the kernel's. */
class BoundedText {
  readonly #bytes: Uint8Array;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  append(text: string): void {
    for (const byte of new TextEncoder().encode(text)) this.#put(byte);
  }

  appendEscaped(text: string, end: number): void {
    for (const byte of new TextEncoder().encode(text)) {
      if (byte < SPACE || byte >= DELETE || byte === BACKSLASH) this.#putEscape(byte);
      else this.#put(byte);
    }
    this.#put(end);
  }

  written(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #put(byte: number): void {
    if (this.#length < this.#bytes.length) this.#bytes[this.#length++] = byte;
  }

  /** By scnprintf(), which leaves room for a NUL. */
  #putEscape(byte: number): void {
    const room = this.#bytes.length - this.#length - 1;
    this.append(`\\x${byte.toString(16).padStart(2, '0')}`.slice(0, Math.max(0, room)));
  }
}
