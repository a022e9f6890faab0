import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AttributeCursor, MessageCursor } from './message.ts';
import { MessageWriter } from './writer.ts';

const runs = { numRuns: 1000 };

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));

interface Walked {
  readonly items: { type: number; start: number; end: number }[];
  readonly rest: number;
}

function walk(cursor: MessageCursor | AttributeCursor, start: number, end: number): Walked {
  const items: Walked['items'] = [];
  cursor.reset(start, end);
  while (cursor.next()) items.push({ type: cursor.type, start: cursor.start, end: cursor.end });
  return { items, rest: cursor.rest };
}

const messages = (slab: Uint8Array, start = 0, end = slab.length) =>
  walk(new MessageCursor(slab), start, end);
const attributes = (slab: Uint8Array, start = 0, end = slab.length) =>
  walk(new AttributeCursor(slab), start, end);

describe('MessageCursor', () => {
  it('reads headers, and payloads up to their length rather than to the next message', () => {
    const slab = bytes(`
      12000000 2200 0203 04030201 78563412 abcd 0000
      10000000 0300 0200 05000000 00000000`);
    const cursor = new MessageCursor(slab);
    cursor.reset(0, slab.length);
    expect(cursor.next()).toBe(true);
    expect(cursor).toMatchObject({
      type: 0x22,
      flags: 0x302,
      sequence: 0x01020304,
      port: 0x12345678,
      start: 16,
      end: 18,
    });
    expect(cursor.next()).toBe(true);
    expect(cursor).toMatchObject({ type: 3, flags: 2, sequence: 5, port: 0, start: 36, end: 36 });
    expect(cursor.next()).toBe(false);
    expect(cursor.rest).toBe(0);
  });

  it('takes a last message without its padding', () => {
    const slab = bytes('11000000 0100 0000 00000000 00000000 ff');
    expect(messages(slab)).toEqual({ items: [{ type: 1, start: 16, end: 17 }], rest: 0 });
  });

  it.each([
    ['a header that is cut', '10000000 0100 0000 00000000 000000', 15],
    ['a length below the header', '0f000000 0100 0000 00000000 00000000', 16],
    ['a length of zero', '00000000 0100 0000 00000000 00000000', 16],
    ['a length beyond the end', '11000000 0100 0000 00000000 00000000', 16],
    ['a length of 4 GiB', 'ffffffff 0100 0000 00000000 00000000', 16],
  ])('ends before %s', (_, hex, rest) => {
    expect(messages(bytes(hex))).toEqual({ items: [], rest });
  });

  it('begins again wherever it is told to', () => {
    const slab = bytes('ffffffff 10000000 0700 0000 00000000 00000000 ffff');
    const cursor = new MessageCursor(slab);
    expect(walk(cursor, 4, 20)).toEqual({ items: [{ type: 7, start: 20, end: 20 }], rest: 0 });
    expect(walk(cursor, 4, 20)).toEqual({ items: [{ type: 7, start: 20, end: 20 }], rest: 0 });
    expect(walk(cursor, 20, 20)).toEqual({ items: [], rest: 0 });
  });
});

describe('AttributeCursor', () => {
  it('reads types without flags, from 0', () => {
    const slab = bytes('0500 0000 41 000000  0400 0180  0600 0540 1234');
    expect(attributes(slab)).toEqual({
      items: [
        { type: 0, start: 4, end: 5 },
        { type: 1, start: 12, end: 12 },
        { type: 5, start: 16, end: 18 },
      ],
      rest: 0,
    });
  });

  it('reads numbers, and the beginning of longer ones', () => {
    const slab = bytes('0c00 0100 ffeeddccbbaa9988');
    const cursor = new AttributeCursor(slab);
    cursor.reset(0, slab.length);
    cursor.next();
    expect([cursor.u8(), cursor.u16(), cursor.u32()]).toEqual([0xff, 0xeeff, 0xccddeeff]);
    expect(cursor.u64()).toBe(Number(0x8899aabbccddeeffn));
  });

  it('has no numbers in payloads that are too short', () => {
    const cursor = new AttributeCursor(bytes('0700 0100 ffffff 00 0400 0200'));
    cursor.reset(0, 12);
    cursor.next();
    expect([cursor.u8(), cursor.u16(), cursor.u32(), cursor.u64()]).toEqual([0xff, 0xffff, -1, -1]);
    cursor.next();
    expect([cursor.u8(), cursor.u16(), cursor.u32(), cursor.u64()]).toEqual([-1, -1, -1, -1]);
  });

  it.each([
    ['before its NUL', '0800 0100 6c6f0041', 'lo'],
    ['at its end, when there is no NUL', '0700 0100 6c6f30 00', 'lo0'],
    ['at once, when it is empty', '0400 0100', ''],
  ])('ends a string %s', (_, hex, text) => {
    const cursor = new AttributeCursor(bytes(hex));
    cursor.reset(0, 8);
    expect(cursor.next()).toBe(true);
    expect(cursor.string()).toBe(text);
    expect(cursor.stringEnd()).toBe(cursor.start + text.length);
  });

  it.each([
    ['a header that is cut', '0400 01', 3],
    ['a length below the header', '0300 0100', 4],
    ['a length beyond the end', '0900 0100 00000000', 8],
    ['padding of more than an attribute', '0400 0100 00', 1],
  ])('ends before %s', (_, hex, rest) => {
    expect(attributes(bytes(hex)).rest).toBe(rest);
  });
});

describe('MessageWriter', () => {
  it('writes what a kernel reads', () => {
    const writer = new MessageWriter();
    writer.beginGeneric(0x1c, 2, 3, 0x5).u8(1, 7).string(2, 'lo').flag(21);
    writer.nest(12, () => writer.u64(0, 0x0102030405060708n).u16(6, 0x0800));
    expect(Buffer.from(writer.u32(9, 128).finish()).toString('hex')).toBe(
      '48000000' +
        '1c000500' +
        '00000000' +
        '00000000' +
        '03020000' +
        '0500010007000000' +
        '070002006c6f0000' +
        '04001500' +
        '18000c00' +
        '0c0000000807060504030201' +
        '0600060000080000' +
        '0800090080000000',
    );
  });

  it('leaves nothing of the message before', () => {
    const writer = new MessageWriter(64);
    writer.begin(1, 0xffff).bytes(1, new Uint8Array(30).fill(0xff)).finish();
    expect([...(writer.begin(2).header(8) === 16 ? writer.finish() : [])]).toEqual([
      24, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
  });

  it('refuses what does not fit', () => {
    const writer = new MessageWriter(24).begin(1).u32(1, 1);
    expect(() => writer.flag(2)).toThrow(RangeError);
  });
});

type Attribute = { type: number; payload: Uint8Array } | { type: number; nested: readonly Attribute[] };

const type = fc.nat(0x3fff);
const attribute: fc.Arbitrary<Attribute> = fc.letrec<{ attribute: Attribute }>((tie) => ({
  attribute: fc.oneof(
    { depthSize: 'small' },
    fc.record({ type, payload: fc.uint8Array({ maxLength: 20 }) }),
    fc.record({ type, nested: fc.array(tie('attribute'), { maxLength: 4 }) }),
  ),
})).attribute;

function write(writer: MessageWriter, list: readonly Attribute[]): void {
  for (const item of list) {
    if ('nested' in item) writer.nest(item.type, () => write(writer, item.nested));
    else writer.bytes(item.type, item.payload);
  }
}

/** Reads attributes back, into nests where `like` has nests. */
function read(slab: Uint8Array, start: number, end: number, like: readonly Attribute[]): Attribute[] {
  const { items, rest } = attributes(slab, start, end);
  expect(rest).toBe(0);
  return items.map((item, i) => {
    const original = like[i];
    return original !== undefined && 'nested' in original
      ? { type: item.type, nested: read(slab, item.start, item.end, original.nested) }
      : { type: item.type, payload: Uint8Array.from(slab.subarray(item.start, item.end)) };
  });
}

describe('any bytes', () => {
  it('are read back as they were written', () => {
    const messagesOf = fc.array(fc.record({ type: fc.nat(0xffff), list: fc.array(attribute) }), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(messagesOf, (originals) => {
        const slab = Buffer.concat(
          originals.map(({ type, list }) => {
            const writer = new MessageWriter(1 << 16).begin(type);
            write(writer, list);
            return Buffer.from(writer.finish());
          }),
        );
        const { items, rest } = messages(slab);
        expect(rest).toBe(0);
        expect(
          items.map((item, i) => ({
            type: item.type,
            list: read(slab, item.start, item.end, originals[i]!.list),
          })),
        ).toEqual(originals);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['messages', messages, 16],
    ['attributes', attributes, 4],
  ])('are walked as %s within bounds, never beyond the end', (_, walkAll, header) => {
    const lengths = fc.oneof(fc.nat(40), fc.nat(0xff));
    const slab = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      // Lengths that are near to right get farther.
      fc.array(lengths, { maxLength: 50 }).map((words) => new Uint8Array(Uint32Array.from(words).buffer)),
    );
    fc.assert(
      fc.property(slab, fc.nat(50), fc.nat(250), fc.nat(255), (input, start, end, beyond) => {
        const { items, rest } = walkAll(input, start, end);
        const limit = Math.min(end, input.length);
        expect(items.length).toBeLessThanOrEqual(Math.max(0, limit - start) / header);
        let position = start;
        for (const item of items) {
          expect(item.start).toBe(position + header);
          expect(item.end).toBeGreaterThanOrEqual(item.start);
          expect(item.end).toBeLessThanOrEqual(limit);
          position = Math.min(limit, item.end - start + 3 - ((item.end - start + 3) % 4) + start);
        }
        expect(rest).toBe(Math.max(0, limit - position));
        // What stands behind the end plays no part.
        const changed = Uint8Array.from(input);
        changed.fill(beyond, limit);
        expect(walkAll(changed, start, end)).toEqual({ items, rest });
      }),
      runs,
    );
  });

  it('hold numbers and strings of their payload only', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 40 }), (input) => {
        const cursor = new AttributeCursor(input);
        cursor.reset(0, input.length);
        while (cursor.next()) {
          const payload = Buffer.from(input.slice(cursor.start, cursor.end));
          expect(cursor.u8()).toBe(payload.length < 1 ? -1 : payload.readUInt8());
          expect(cursor.u16()).toBe(payload.length < 2 ? -1 : payload.readUInt16LE());
          expect(cursor.u32()).toBe(payload.length < 4 ? -1 : payload.readUInt32LE());
          expect(cursor.u64()).toBe(payload.length < 8 ? -1 : Number(payload.readBigUInt64LE()));
          expect(cursor.string()).toBe(payload.toString('utf8').split('\0')[0]);
        }
      }),
      runs,
    );
  });
});
