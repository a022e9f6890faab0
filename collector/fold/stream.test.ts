import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accept, giveUp, openStream, WINDOW } from './stream.ts';

/** What a stream does, said with sets. */
class Model {
  readonly folded = new Set<number>();
  readonly lost = new Set<number>();
  #low: number;
  #newest = 0;

  constructor(oldest: number) {
    this.#low = oldest - 1;
  }

  accept(seq: number, oldest: number): boolean {
    const fresh = seq > this.#low && !this.folded.has(seq);
    if (fresh) this.folded.add(seq);
    this.#newest = Math.max(this.#newest, seq);
    const floor = Math.max(this.#low, oldest - 1, seq - WINDOW);
    for (let n = this.#low + 1; n <= floor; n++) if (!this.folded.has(n)) this.lost.add(n);
    this.#low = floor;
    while (this.folded.has(this.#low + 1)) this.#low++;
    return fresh;
  }
}

const message = fc.record({ seq: fc.integer({ min: 1, max: 600 }), behind: fc.integer({ min: 0, max: 40 }) });

describe('a stream of numbered messages', () => {
  test('folds each once and counts the lost, as sets would', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 300 }), (messages) => {
        const [first] = messages;
        if (!first) return;
        const oldest = ({ seq, behind }: typeof first) => Math.max(1, seq - behind);
        const stream = openStream('x', oldest(first));
        const model = new Model(oldest(first));
        let lost = 0;
        for (const each of messages) {
          const result = accept(stream, each.seq, oldest(each));
          const before = Math.max(0, ...model.folded);
          expect(result.fresh).toBe(model.accept(each.seq, oldest(each)));
          expect(result.newest).toBe(result.fresh && each.seq > before);
          lost += result.lost;
        }
        expect(lost).toBe(model.lost.size);
        expect(stream.ahead.length).toBeLessThanOrEqual(WINDOW);
        expect(stream.ahead).toEqual([...stream.ahead].sort((a, b) => a - b));
        // Giving up accounts for all that is left.
        const before = stream.low + stream.ahead.length;
        const newest = stream.ahead.at(-1) ?? stream.low;
        expect(giveUp(stream)).toBe(newest - before);
        expect(stream).toMatchObject({ low: newest, ahead: [] });
      }),
      { numRuns: 500 },
    );
  });

  test('what was settled before the first message seen is not counted', () => {
    const stream = openStream('x', 40);
    expect(accept(stream, 42, 40)).toEqual({ fresh: true, newest: true, lost: 0 });
    expect(accept(stream, 41, 40)).toEqual({ fresh: true, newest: false, lost: 0 });
    expect(accept(stream, 43, 43)).toEqual({ fresh: true, newest: true, lost: 1 });
    expect(accept(stream, 39, 39)).toEqual({ fresh: false, newest: false, lost: 0 });
  });
});
