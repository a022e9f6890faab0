import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import './runtime.ts';
import protobuf from 'protobufjs/minimal.js';
import { remembering } from './repeated.ts';

/** What submessages are read as here: their bytes, as text. */
const decode = (reader: protobuf.Reader, length: number) => {
  if (reader.pos + length > reader.len) throw new RangeError('index out of range');
  const text = Buffer.from(reader.buf.subarray(reader.pos, reader.pos + length)).toString('hex');
  reader.pos += length;
  return { text };
};

test('what is remembered is what would be decoded, wherever it stands', () => {
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    // The same length and ends, so that many share a place.
    fc.uint8Array({ minLength: 1, maxLength: 3 }).map((middle) => {
      const bytes = new Uint8Array(60).fill(7);
      bytes.set(middle, 20);
      return bytes;
    }),
    fc.integer({ min: 500, max: 520 }).map((length) => new Uint8Array(length).fill(9)),
  );
  const remembered = remembering(decode);
  fc.assert(
    fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
      const buf = new Uint8Array(Buffer.concat(parts));
      const one = protobuf.Reader.create(buf);
      const other = protobuf.Reader.create(buf);
      for (const { length } of parts) {
        expect(remembered(one, length)).toEqual(decode(other, length));
        expect(one.pos).toBe(other.pos);
      }
      // A batch's memory may be used again.
      buf.fill(1);
    }),
  );
});

test('is decoded once, and is the same object again', () => {
  const spy = vi.fn(decode);
  const remembered = remembering(spy);
  const [first, again] = [1, 2].map(() => remembered(protobuf.Reader.create(Uint8Array.of(1, 2, 3)), 3));
  expect(again).toBe(first);
  expect(remembered(protobuf.Reader.create(Uint8Array.of(1, 2, 4)), 3)).toEqual({ text: '010204' });
  expect(spy).toHaveBeenCalledTimes(2);
});

test('what is cut short is refused although its beginning is known', () => {
  const remembered = remembering(decode);
  remembered(protobuf.Reader.create(Uint8Array.of(1, 2, 3)), 3);
  expect(() => remembered(protobuf.Reader.create(Uint8Array.of(1, 2)), 3)).toThrow(RangeError);
});
