import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { markedText, type Report, readCrash, readMarked } from '@netfall/crash';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type LogPlaces, logText, reportIn } from './crash-log.ts';

const whole: LogPlaces = { holes: [], unlisted_holes: 0, wrap_at: 0 };
const hole = (at: number, bytes: number, exact = true) => ({ at, bytes, exact });
const bytesOf = (text: string) => new TextEncoder().encode(text);

describe('a log as text', () => {
  test.each<[string, string, Partial<LogPlaces>, string[]]>([
    ['nothing', '', {}, []],
    ['lines', 'a\nb\n', {}, ['a', 'b']],
    ['a last line without its end', 'a\nb', {}, ['a', 'b']],
    [
      'holes of every kind',
      'one\ntwo\nsix\n',
      { holes: [hole(4, 1024), hole(8, 1024, false), hole(12, 0, false)] },
      [
        'one',
        '! [... 1024 bytes are missing here ...]',
        'two',
        '! [... up to 1024 bytes are missing here ...]',
        'six',
        '! [... some of the log is missing here ...]',
      ],
    ],
    [
      'a hole in the middle of a line',
      'begins ends\n',
      { holes: [hole(7, 1)] },
      ['begins ', '! [... 1 byte is missing here ...]', 'ends'],
    ],
    [
      'a hole before all',
      'b\n',
      { holes: [hole(0, 2, false)] },
      ['! [... up to 2 bytes are missing here ...]', 'b'],
    ],
    ['nothing but a hole', '', { holes: [hole(0, 0)] }, ['! [... some of the log is missing here ...]']],
    ['the wrap', 'old\nnew\n', { wrap_at: 4 }, ['old', '! [... the ring buffer wraps here ...]', 'new']],
    [
      'a hole at the wrap',
      'old\nnew\n',
      { wrap_at: 4, holes: [hole(4, 9)] },
      ['old', '! [... 9 bytes are missing here ...]', '! [... the ring buffer wraps here ...]', 'new'],
    ],
    [
      'the wrap in the middle of a line, which it does not tear',
      'old\nnew\n',
      { wrap_at: 6 },
      ['old', '! [... the ring buffer wraps here ...]', 'new'],
    ],
    [
      'the wrap in a line that a hole tears',
      'old\nnews\n',
      { wrap_at: 7, holes: [hole(5, 9)] },
      ['old', 'n', '! [... 9 bytes are missing here ...]', '! [... the ring buffer wraps here ...]', 'ews'],
    ],
    [
      'places beyond the end',
      'a\n',
      { wrap_at: 99, holes: [hole(77, 5)] },
      ['a', '! [... 5 bytes are missing here ...]', '! [... the ring buffer wraps here ...]'],
    ],
    [
      'holes nobody knows the place of',
      'a\n',
      { unlisted_holes: 1 },
      ['a', '! [... 1 more stretch is missing, nobody knows where ...]'],
    ],
    [
      'holes nobody knows the place of',
      'a\n',
      { unlisted_holes: 2 },
      ['a', '! [... 2 more stretches are missing, nobody knows where ...]'],
    ],
  ])('%s', (_name, log, places, lines) => {
    const { text, marks } = logText(bytesOf(log), { ...whole, ...places });
    const found = text.split('\n').slice(0, -1);
    expect(found.map((line, i) => (marks.includes(i) ? `! ${line}` : line))).toEqual(lines);
    expect(text === '' || text.endsWith('\n')).toBe(true);
  });

  test('has a dot for whatever would act on a terminal or a page', () => {
    const log = 'a\x1b[2Jb\r\x07\0\x7f\u009bc\td\u202ee\u2028f\u200bg\ufeffh\u00adi <b>&\n';
    expect(logText(bytesOf(log), whole).text).toBe('ab···c\td·e·f·g·h·i <b>&\n');
  });

  test('of bytes that are no UTF-8 loses only those', () => {
    const bytes = Uint8Array.of(0x61, 0xff, 0xe2, 0x82, 0x0a, 0xef, 0xbb, 0xbf, 0x62, 0x0a);
    expect(logText(bytes, whole).text).toBe('a\ufffd\ufffd\n·b\n');
  });

  test('that a hole tears within a character loses only that', () => {
    const bytes = bytesOf('€100\n');
    expect(logText(bytes, { ...whole, holes: [hole(1, 3)] }).text).toBe(
      '\ufffd\n[... 3 bytes are missing here ...]\n\ufffd\ufffd100\n',
    );
  });
});

test('any bytes with any holes are all there, in order, and nothing in them acts', () => {
  const holes = fc.array(fc.record({ at: fc.nat(300), bytes: fc.nat(9999), exact: fc.boolean() }), {
    maxLength: 6,
  });
  const ascii = fc.array(fc.integer({ min: 0, max: 127 }), { maxLength: 300 });
  fc.assert(
    fc.property(ascii, holes, fc.nat(300), fc.nat(2), (codes, found, wrap_at, unlisted_holes) => {
      const places = { holes: found.sort((a, b) => a.at - b.at), wrap_at, unlisted_holes };
      const { text, marks } = logText(Uint8Array.from(codes), places);
      expect(text).not.toMatch(/[^\P{Cc}\t\n]/u);
      expect(marks.length).toBe(found.length + Number(wrap_at > 0) + Number(unlisted_holes > 0));
      const lines = text.split('\n');
      for (const [i, line] of lines.entries()) {
        if (marks.includes(i)) expect(line).toMatch(/^\[\.\.\. .* \.\.\.\]$/);
      }
      // Without the marks, and without the ends of lines that they may have needed, it is the log.
      const rest = lines.filter((_, i) => !marks.includes(i)).join('');
      const log = codes.map((code) => String.fromCharCode(code)).join('');
      const told = log.replace(/[^\P{Cc}\t\n]/gu, '·').replaceAll('\n', '');
      // But for what is silent: returns, zeros, and what colours.
      expect(told.replaceAll('·', '').length).toBeGreaterThanOrEqual(rest.replaceAll('·', '').length);
      if (!/[\r\0]|\p{Cc}\[/u.test(log)) expect(rest).toBe(told);
    }),
  );
});

test('any bytes at all', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, at) => {
      const { text } = logText(bytes, { ...whole, holes: [hole(at, 1)] });
      expect(text).not.toMatch(/[^\P{Cc}\t\n]|[\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(text.isWellFormed()).toBe(true);
    }),
  );
});

/** The ends of real logs, which are mostly reports. */
const CRASHES = new URL('../../test/fixtures/crashes/', import.meta.url);
const logs = readdirSync(CRASHES)
  .filter((name) => name.endsWith('.console.txt.gz'))
  .map((name) => gunzipSync(readFileSync(new URL(name, CRASHES))).subarray(-7000));

/** What was read, wherever in the text. */
function told(report: Report | null) {
  if (!report) return null;
  const { start: _start, end: _end, earlier, consequences, frames, ...rest } = report;
  return {
    ...rest,
    others: [...earlier, ...consequences].map(({ title }) => title),
    frames: frames.map(({ line: _line, ...frame }) => frame),
  };
}

test('a log that is shown is read as it was read where it was heard, whatever acts in it and is missing of it', () => {
  const part = fc.nat(999_999).map((n) => n / 1e6);
  const acting = fc.tuple(part, fc.constantFrom('\x1b[31m', '\r', '\0', '\x07', '\x1b', '\u2028'));
  fc.assert(
    fc.property(
      fc.constantFrom(...logs),
      fc.array(acting, { maxLength: 6 }),
      fc.array(part, { maxLength: 3 }),
      fc.option(part),
      (log, found, holesAt, wrapped) => {
        let bytes = log;
        const place = (of: number) => Math.floor(of * bytes.length);
        for (const [of, what] of found) {
          const at = place(of);
          bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(what), bytes.subarray(at)]);
        }
        const holes = holesAt
          .map((of) => ({ at: place(of), bytes: 10, exact: true }))
          .sort((a, b) => a.at - b.at);
        const wrap_at = wrapped === null ? 0 : place(wrapped);
        const heard = markedText({ bytes, holes, wrapAt: wrap_at });
        const expected = readCrash(heard.text, heard.marks);
        const shown = logText(bytes, { holes, wrap_at, unlisted_holes: 0 });
        const { text, marks } = readMarked(shown.text);
        expect(told(readCrash(text, marks))).toEqual(told(expected));
        const lines = shown.text.split('\n');
        const plain = heard.text.split('\n');
        const { frames = [] } = reportIn(shown.text) ?? {};
        const withoutSilent = (line = '') => logText(bytesOf(line), whole).text.replace(/\n$/, '');
        expect(frames.map((line) => lines[line])).toEqual(
          expected?.frames.map(({ line }) => withoutSilent(plain[line])) ?? [],
        );
      },
    ),
    { numRuns: 500 },
  );
});
