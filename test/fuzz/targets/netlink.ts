/**
 * Buffers of netlink messages: the cursors over messages and attributes, however deep they nest, and what is read with them
 * of generic netlink's families and of network interfaces.
 */
import { type GenericFamily, listFamilies, resolveFamily } from '../../../agent/kernel/netlink/generic.ts';
import { LinkNames } from '../../../agent/kernel/netlink/link-names.ts';
import { AttributeCursor, MessageCursor } from '../../../agent/kernel/netlink/message.ts';
import { MessageWriter } from '../../../agent/kernel/netlink/writer.ts';
import { hardwareSummary, packetAlert } from '../../../agent/sources/drop-monitor/testing/alert-writer.ts';
import { digest, must, type Target } from '../target.ts';

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const NLMSG_ERROR = 2;
const GENL_ID_CTRL = 16;
const MOST_DEPTH = 4;
const MOST_LINKS = 64;

function link(type: number, index: number, name: string): Uint8Array {
  const writer = new MessageWriter(512).begin(type);
  const at = writer.header(16);
  writer.u32(1, 0).string(3, name).u32(4, 1500);
  const message = writer.finish().slice();
  message[at + 4] = index;
  return message;
}

function family(id: number, name: string): Uint8Array {
  const writer = new MessageWriter(1024).beginGeneric(GENL_ID_CTRL, 2, 1);
  writer.string(2, name).u16(1, id).u32(3, 2);
  writer.nest(6, () => {
    for (const command of [1, 2, 5]) writer.nest(command, () => writer.u32(1, command).u32(2, 0xb));
  });
  writer.nest(7, () => {
    for (const group of ['events', 'config']) writer.nest(1, () => writer.u32(2, 9).string(1, group));
  });
  return writer.finish();
}

function refusal(errno: number, text: string): Uint8Array {
  const writer = new MessageWriter(256).begin(NLMSG_ERROR, 0x200);
  writer.header(4 + 16);
  const message = writer.string(1, text).finish();
  new DataView(message.buffer).setInt32(16, -errno, true);
  return message;
}

export function corpus(): Uint8Array[] {
  const singles = [
    link(RTM_NEWLINK, 1, 'lo'),
    link(RTM_NEWLINK, 2, 'enp3s0f1np1'),
    link(RTM_DELLINK, 2, 'enp3s0f1np1'),
    family(0x1c, 'NET_DM'),
    family(0x10, 'nlctrl'),
    refusal(16, 'Device is busy'),
    refusal(0, ''),
    packetAlert({ origin: 0, pc: 0xffff_ffff_8123_4567n, symbol: 'f+0x1/0x2', payload: new Uint8Array(60) }),
    hardwareSummary([{ trap: 'ttl', count: 3 }]),
  ].map((message) => message.slice());
  return [
    ...singles,
    Buffer.concat(singles),
    Buffer.concat(singles.slice(0, 3)),
    Buffer.concat([singles[3]!, singles[5]!]),
  ];
}

export function open(input: Uint8Array): Target {
  const message = new MessageCursor(input);
  const cursors = Array.from({ length: MOST_DEPTH }, () => new AttributeCursor(input));
  const attribute = new AttributeCursor(input);
  const links = new LinkNames(MOST_LINKS);
  const totals = { messages: 0, attributes: 0, 'with malformed ends': 0 };
  let end = 0;
  let sum = 0;

  const requester = {
    slab: input,
    request(_what: string, _request: Uint8Array, onAnswer?: (answer: MessageCursor) => void): boolean {
      message.reset(0, end);
      while (message.next()) onAnswer?.(message);
      return true;
    },
  };

  function walk(depth: number, start: number, limit: number): void {
    const cursor = cursors[depth]!;
    let last = start;
    cursor.reset(start, limit);
    while (cursor.next()) {
      must(cursor.start >= last + 4 && cursor.start <= cursor.end, 'an attribute overlaps the one before');
      must(cursor.end <= limit, 'an attribute ends beyond what encloses it');
      last = cursor.end;
      totals.attributes++;
      sum = digest(sum, cursor.type + cursor.u8() + cursor.u16() + cursor.u32());
      sum = digest(sum, cursor.u64());
      must(cursor.stringEnd() <= cursor.end, 'a string ends beyond its attribute');
      if (cursor.end - cursor.start < 64) sum = digest(sum, cursor.string().length);
      if (depth + 1 < MOST_DEPTH) walk(depth + 1, cursor.start, cursor.end);
    }
    sum = digest(sum, cursor.rest);
  }

  function digestFamily({ id, version, groups, operations }: GenericFamily): void {
    sum = digest(digest(sum, id), version);
    for (const [name, number] of groups) sum = digest(sum, name.length + number);
    for (const [command, flags] of operations) sum = digest(sum, command + flags);
  }

  return {
    run(length) {
      end = length;
      sum = 0;
      let last = 0;
      let messages = 0;
      message.reset(0, length);
      while (message.next()) {
        must(message.start >= last + 16 && message.start <= message.end, 'a message overlaps the one before');
        must(message.end <= length, 'a message ends beyond its datagram');
        last = message.end;
        messages++;
        sum = digest(sum, message.type + message.flags + message.sequence + message.port);
        walk(0, message.start, message.end);
        walk(0, Math.min(message.start + 4, message.end), message.end);
        links.apply(message, input, attribute);
      }
      must(messages * 16 <= length, 'there are more messages than fit');
      totals.messages += messages;
      if (message.rest > 0) totals['with malformed ends']++;
      sum = digest(sum, message.rest);
      // What asks the kernel, and gets the input for an answer.
      digestFamily(resolveFamily(requester, 'NET_DM'));
      return digest(sum, listFamilies(requester).size);
    },
    bounds: () => [{ name: 'links', value: links.size, most: MOST_LINKS }],
    counts: () => ({ ...totals, 'links beyond the bound': links.overflow }),
  };
}
