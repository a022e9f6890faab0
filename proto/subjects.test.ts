import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as subjects from './subjects.ts';
import { anyId } from './testing/arbitrary.ts';

test('subjects and message ids', () => {
  expect(subjects.cellSubjects('c')).toBe('netfall.c.>');
  expect(subjects.streamName('c')).toBe('netfall-c');
  expect(subjects.hostSubject('c', 'web-1')).toBe('netfall.c.host.web-1');
  expect(subjects.collectorSubject('c', 'tick')).toBe('netfall.c.tick');
  expect(subjects.envelopeMessageId('web-1', '0001', 7)).toBe('h/web-1/0001/7');
  expect(subjects.collectorMessageId('ab12', 'claim', 3)).toBe('c/ab12/claim/3');
  expect(subjects.deliveredMessageId('i7-0/firing', 'chat')).toBe('d/i7-0/firing/chat');
  expect(subjects.readingMessageId('0f'.repeat(32), 2)).toBe(`r/${'0f'.repeat(32)}/2`);
});

describe('ids', () => {
  test.each(['a', 'Z', '0', '_', '-', 'web-1_A', 'x'.repeat(64)])('%s is one', (id) => {
    expect(subjects.isId(id)).toBe(true);
  });

  test.each(['', 'x'.repeat(65), 'a.b', 'a b', '*', '>', 'ä', 'a\n', '\0', 'a/b'])('%j is none', (id) => {
    expect(subjects.isId(id)).toBe(false);
  });

  test('keep every subject one that the log takes, with its tokens where they belong', () => {
    fc.assert(
      fc.property(anyId, anyId, (cell, host) => {
        expect(subjects.isId(cell)).toBe(true);
        const subject = subjects.hostSubject(cell, host);
        expect(subject.split('.')).toEqual(['netfall', cell, 'host', host]);
        expect(subject.length).toBeLessThanOrEqual(256);
        expect(subjects.cellOf(subject)).toBe(cell);
      }),
    );
  });
});

test('the cell of a subject', () => {
  expect(subjects.cellOf('netfall.c.tick')).toBe('c');
  expect(subjects.cellOf('netfall.c')).toBe('c');
  for (const other of ['', 'netfall', 'netfall.', 'netfall.*.tick', 'other.c.tick', 'netfallx.c.tick']) {
    expect(subjects.cellOf(other)).toBeNull();
  }
});
