import fc from 'fast-check';
import { expect, test } from 'vitest';
import { code, escapeText, moment } from './mrkdwn.ts';

/** What Slack shows of an escaped text. */
function shown(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

test.each([
  ['a & b < c > d', 'a &amp; b &lt; c &gt; d'],
  ['<!channel>', '&lt;!channel&gt;'],
  ['<https://evil.example|click>', '&lt;https://evil.example|click&gt;'],
  ['two\nlines\tand a bell\u0007', 'two lines and a bell '],
  ['&lt;', '&amp;lt;'],
])('%j', (text, escaped) => {
  expect(escapeText(text, 1000)).toBe(escaped);
});

test('a cut is marked, and goes through no entity and no character', () => {
  expect(escapeText('abcdef', 6)).toBe('abcdef');
  expect(escapeText('abcdefg', 6)).toBe('abcde…');
  expect(escapeText('abc<<', 8)).toBe('abc&lt;…');
  expect(escapeText('abc<<', 7)).toBe('abc…');
  expect(escapeText('ab🔥🔥', 6)).toBe('ab🔥🔥');
  expect(escapeText('ab🔥🔥', 5)).toBe('ab🔥…');
});

test('no text gets out as markup, over its limit or broken', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.integer({ min: 1, max: 50 }),
      (text, limit) => {
        const escaped = escapeText(text, limit);
        expect(escaped.length).toBeLessThanOrEqual(limit);
        expect(escaped).not.toMatch(/[<>\n\r]/);
        expect(escaped.replace(/&(amp|lt|gt);/g, '')).not.toContain('&');
        expect(escaped.isWellFormed()).toBe(true);
        if (!escaped.endsWith('…')) expect(shown(escaped).length).toBe(text.length);
      },
    ),
  );
});

test('nothing ends a code span early', () => {
  expect(code('web`-1', 100)).toBe("`web'-1`");
  expect(code('abcdef', 5)).toBe('`ab…`');
  expect(code(' ', 100)).toBe('');
});

test('a moment carries its own fallback', () => {
  expect(moment(1_772_359_200_900_000)).toBe(
    '<!date^1772359200^{date_short_pretty} {time_secs}|2026-03-01T10:00:00.000Z>',
  );
});
