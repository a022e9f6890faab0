import { describe, expect, it } from 'vitest';
import { titleScores } from './crash-titles.ts';
import { kernelReportsIn } from './kernel-reports.ts';

const corpus = process.env['NETFALL_CORPUS'] ?? '';
const why = corpus === '' ? ' (needs NETFALL_CORPUS, a folder of logs with their titles)' : '';

describe.skipIf(corpus === '')(`the corpus of real crashes${why}`, () => {
  it('is read as well as it was', () => {
    const disagreements: string[] = [];
    const scores = titleScores(kernelReportsIn(corpus), (line) => disagreements.push(line));
    const figures = Object.fromEntries(scores.map(({ metric, value }) => [metric, value ?? 0]));
    expect(
      scores.filter(({ ok }) => ok === false),
      disagreements.join('\n'),
    ).toEqual([]);
    expect(figures).toMatchObject({
      'pairs with one signature, precision': 1,
      'pairs with one signature, recall': 1,
      'whole, told as corrupted': 0,
    });
    expect(figures['right verdicts: crash or none']).toBeGreaterThanOrEqual(0.995);
    expect(figures['right titles'], disagreements.join('\n')).toBeGreaterThanOrEqual(0.98);
  });
});
