/** Descriptions of objects: written and read back, and any bytes at all. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { descriptionSubject, nameOf, readDescription, writeDescription } from './object-info.ts';

const DIGEST = 'SHA-256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=';
const SOUND = { nuid: 'QQ1Hd2s4oQNGb6m4PkLPKJ', chunks: 2, digest: DIGEST };

const read = (text: string) => readDescription(Buffer.from(text));

describe('a description', () => {
  test('is written as ADR-20 has it, and read back', () => {
    const text = writeDescription({
      ...SOUND,
      ...{ bucket: 'b', name: 'crash/1', size: 7, chunkBytes: 4, mtime: '2026-01-02T03:04:05.678Z' },
    });
    expect(text).toBe(
      '{"name":"crash/1","options":{"max_chunk_size":4},"bucket":"b","nuid":"QQ1Hd2s4oQNGb6m4PkLPKJ","size":7,' +
        `"mtime":"2026-01-02T03:04:05.678Z","chunks":2,"digest":"${DIGEST}"}`,
    );
    expect(read(text)).toEqual(SOUND);
  });

  test('is deleted when it says so, whatever else is missing', () => {
    expect(read('{"deleted":true}')).toBe('deleted');
    expect(read(JSON.stringify({ ...SOUND, deleted: false }))).toEqual(SOUND);
  });

  test.each([
    ['no JSON', 'x'],
    ['no object', '[]'],
    ['null', 'null'],
    ['no nuid', JSON.stringify({ ...SOUND, nuid: undefined })],
    ['a wildcard for chunks', JSON.stringify({ ...SOUND, nuid: '*' })],
    ['several tokens', JSON.stringify({ ...SOUND, nuid: 'a.b' })],
    ['a nuid without end', JSON.stringify({ ...SOUND, nuid: 'a'.repeat(65) })],
    ['a digest of another kind', JSON.stringify({ ...SOUND, digest: 'MD5=1' })],
    ['no chunks', JSON.stringify({ ...SOUND, chunks: undefined })],
    ['less than no chunks', JSON.stringify({ ...SOUND, chunks: -1 })],
    ['half a chunk', JSON.stringify({ ...SOUND, chunks: 0.5 })],
    ['chunks as text', JSON.stringify({ ...SOUND, chunks: '1' })],
  ])('that has %s is malformed', (_, text) => {
    expect(read(text)).toBe('malformed');
  });

  test('of any bytes or any JSON is read without a throw, and never beyond its bounds', () => {
    const anything = fc.oneof(
      fc.uint8Array(),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .record({ nuid: fc.anything(), chunks: fc.anything(), digest: fc.anything(), deleted: fc.anything() })
        .map((value) =>
          Buffer.from(JSON.stringify({ ...SOUND, ...value }, (_, v) => (typeof v === 'bigint' ? 1 : v))),
        ),
    );
    fc.assert(
      fc.property(anything, (data) => {
        const result = readDescription(data);
        if (typeof result === 'string') return ['deleted', 'malformed'].includes(result);
        return (
          /^[A-Za-z0-9]{1,64}$/.test(result.nuid) && Number.isSafeInteger(result.chunks) && result.chunks >= 0
        );
      }),
    );
  });
});

describe('a subject', () => {
  const nameChars = fc.stringMatching(/^[A-Za-z0-9._-]{1,20}(\/[A-Za-z0-9._-]{1,20}){0,3}$/);

  test('gives back the name that it was made of', () => {
    expect(descriptionSubject('b', 'crash/1')).toBe('$O.b.M.Y3Jhc2gvMQ==');
    fc.assert(fc.property(nameChars, (name) => nameOf('b', descriptionSubject('b', name)) === name));
  });

  test('of any other form names nothing', () => {
    for (const token of ['!', 'Y3Jhc2gvMQ', 'Y3Jhc2gvMR==', 'w6Q=', '', 'Y3Jhc2gvMQ==.x']) {
      expect([token, nameOf('b', `$O.b.M.${token}`)]).toEqual([token, null]);
    }
  });
});
