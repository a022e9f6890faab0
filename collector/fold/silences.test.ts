import { describe, expect, test } from 'vitest';
import { rowsDigest } from '../store/digest.ts';
import { Fold } from './fold.ts';
import { fold } from './testing/folded.ts';
import { START_US, Story, testRules } from './testing/story.ts';

const silences = (folded: Fold) => [...folded.rows().silences];
const DAY_S = 86_400;
const us = (seconds: number) => START_US + seconds * 1_000_000;

test('a silence says who made it, why, and when', () => {
  const story = new Story();
  story.silence(1, 's1', 60, { maintenance: true }, 'new switch');
  expect(silences(fold(story))).toEqual([
    {
      id: 's1',
      matchers: [{ name: 'rack', value: 'r12', not: false }],
      ...{ from_us: us(1), until_us: us(61), maintenance: true },
      ...{ by: 'ann', comment: 'new switch', created_us: us(1) },
      ...{ ended_us: 0, ended_by: '', ended_comment: '' },
    },
  ]);
});

describe('how long it holds', () => {
  test.each([
    ['from when it says', us(100), us(160), us(100), us(160)],
    ['30 days at most', 0, us(40 * DAY_S), us(1), us(1 + 30 * DAY_S)],
    ['30 days at most, from when it begins', us(9), us(40 * DAY_S), us(9), us(9 + 30 * DAY_S)],
    ['not at all when its end is over', 0, us(0), us(1), us(1)],
  ])('%s', (_name, from_us, until_us, from, until) => {
    const story = new Story();
    story.silence(1, 's1', 0, { from_us, until_us });
    expect(silences(fold(story))).toMatchObject([{ from_us: from, until_us: until }]);
  });
});

describe('before its time', () => {
  function ended(): Story {
    const story = new Story();
    story.silence(1, 's1', 60);
    story.command(10, { end_silence: { id: 's1' } }, 'done');
    return story;
  }

  test('it is ended by a command', () => {
    const over = { until_us: us(61), ended_us: us(10), ended_by: 'ann', ended_comment: 'done' };
    expect(silences(fold(ended()))).toMatchObject([over]);
  });

  test('and not again, nor when it is over, nor one that nobody knows', () => {
    const story = ended();
    const before = silences(fold(story));
    story.command(20, { end_silence: { id: 's1' } }, 'again');
    story.command(20, { end_silence: { id: 's2' } });
    expect(silences(fold(story))).toEqual(before);
    story.silence(21, 's3', 5);
    story.command(26, { end_silence: { id: 's3' } });
    expect(silences(fold(story))[1]).toMatchObject({ id: 's3', ended_us: 0 });
  });

  test('one of the same id replaces it, and holds', () => {
    const story = ended();
    story.silence(30, 's1', 60, {}, 'once more');
    expect(silences(fold(story))).toMatchObject([
      { from_us: us(30), until_us: us(90), comment: 'once more', created_us: us(30), ended_us: 0 },
    ]);
  });

  test('one that is to hold later is called off', () => {
    const story = new Story();
    story.silence(1, 's1', 60, { from_us: us(100) });
    story.command(10, { end_silence: { id: 's1' } });
    expect(silences(fold(story))).toMatchObject([{ from_us: us(100), ended_us: us(10) }]);
  });
});

describe('what is over', () => {
  test('is kept for seven days', () => {
    const story = new Story();
    story.silence(0, 's1', 10);
    story.silence(0, 's2', 3600);
    story.command(20, { end_silence: { id: 's2' } });
    story.silence(0, 's3', 3600);
    // The log is silent meanwhile; deadlines fire at the next second in which it is not.
    const folded = fold(story);
    const at = (seconds: number) => {
      folded.apply(story.tick(seconds - 1));
      folded.apply(story.tick(seconds));
      return silences(folded).map(({ id }) => id);
    };
    folded.takeChanges();
    expect(at(9 + 7 * DAY_S)).toEqual(['s1', 's2', 's3']);
    expect(at(10 + 7 * DAY_S)).toEqual(['s2', 's3']);
    expect(folded.takeChanges()).toMatchObject({ silences: [], removedSilences: ['s1'] });
    expect(at(19 + 7 * DAY_S)).toEqual(['s2', 's3']);
    // A fold that goes on from here forgets the others at the same moments.
    const restored = new Fold(testRules, structuredClone(folded.rows()));
    expect(at(20 + 7 * DAY_S)).toEqual(['s3']);
    for (const entry of story.entries.slice(-2)) restored.apply(entry);
    expect(rowsDigest(restored.rows())).toBe(rowsDigest(folded.rows()));
    expect(at(3600 + 7 * DAY_S)).toEqual([]);
  });

  test('gives way to others sooner where there are a thousand, that which was over first', () => {
    const story = new Story();
    for (let n = 0; n < 1000; n++) story.silence(0, `s${n}`, n === 7 || n === 9 ? 5 : 3600);
    story.silence(4, 'x1', 60);
    const folded = fold(story);
    expect(folded.rows().global.rejected).toEqual({ too_many_silences: 1 });
    folded.takeChanges();
    folded.apply(story.silence(6, 'x2', 60));
    expect(folded.takeChanges()).toMatchObject({ silences: [{ id: 'x2' }], removedSilences: ['s7'] });
    const rows = structuredClone(folded.rows());
    const restored = new Fold(testRules, { ...rows, silences: [...rows.silences].reverse() });
    // One that is there already is replaced; the next one takes the place of what is over, and the last one has none.
    for (const entry of [
      story.silence(6, 's3', 60),
      story.silence(6, 'x3', 60),
      story.silence(6, 'x4', 60),
    ]) {
      folded.apply(entry);
      restored.apply(entry);
    }
    expect(folded.takeChanges()).toMatchObject({
      silences: [{ id: 's3' }, { id: 'x3' }],
      removedSilences: ['s9'],
    });
    expect(folded.rows().global.rejected).toEqual({ too_many_silences: 2 });
    expect(rowsDigest(restored.rows())).toBe(rowsDigest(folded.rows()));
  });
});
