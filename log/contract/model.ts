/** Contract: random histories on a log do what they do on a few lines that state the contract. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Log, LogError, Outgoing, Receipt } from '../log.ts';
import { type Bed, collect, ending, message, type Traits, texts } from './bed.ts';

interface Entry {
  readonly sequence: number;
  readonly subject: string;
  readonly id: string;
}

/** The log as it should be, for a window that never ends. */
class Model {
  entries: Entry[] = [];
  last = 0;
  readonly byId = new Map<string, number>();

  get first(): number {
    return this.entries[0]?.sequence ?? this.last + 1;
  }

  lastOn(subject: string): Entry | undefined {
    return this.entries.findLast((entry) => entry.subject === subject);
  }

  append(subject: string, id: string, expected: number | undefined): Receipt | 'conflict' {
    const newest = this.lastOn(subject);
    if (expected !== undefined && (newest?.sequence ?? 0) !== expected) {
      return newest?.id === id ? { sequence: newest.sequence, duplicate: true } : 'conflict';
    }
    const firstCopy = this.byId.get(id);
    if (firstCopy !== undefined) return { sequence: firstCopy, duplicate: true };
    const sequence = ++this.last;
    this.entries.push({ sequence, subject, id });
    this.byId.set(id, sequence);
    return { sequence, duplicate: false };
  }

  purge(sequence: number): void {
    this.entries = this.entries.filter((entry) => entry.sequence >= sequence);
  }
}

const subject = fc.constantFrom('netfall.test.a', 'netfall.test.b', 'netfall.test.c');
const id = fc.integer({ min: 0, max: 30 }).map((number) => `id${number}`);
const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('append' as const), subject, id }) },
  // Right: what the model holds. Otherwise a number that is right by chance only.
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('claim' as const),
      subject,
      id,
      guess: fc.option(fc.integer({ min: 0, max: 12 }), { nil: 'right' as const }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('purge' as const), below: fc.integer({ min: 1, max: 40 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('look' as const),
      at: fc.integer({ min: 1, max: 40 }),
      subject,
    }),
  },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** A claim comes once more, behind a newer entry and with another condition. */
const oldClaimAgain: Command[] = [
  { kind: 'claim', subject: 'netfall.test.a', id: 'id1', guess: 'right' },
  { kind: 'append', subject: 'netfall.test.a', id: 'id2' },
  { kind: 'claim', subject: 'netfall.test.a', id: 'id1', guess: 0 },
];

async function run(log: Log, model: Model, step: Command): Promise<void> {
  switch (step.kind) {
    case 'append':
    case 'claim': {
      const expected =
        step.kind === 'append'
          ? undefined
          : step.guess === 'right'
            ? (model.lastOn(step.subject)?.sequence ?? 0)
            : step.guess;
      const outcome = model.append(step.subject, step.id, expected);
      const outgoing = message(step.id, {
        subject: step.subject,
        ...(expected === undefined ? {} : { expectLastOnSubject: expected }),
      });
      if (outcome !== 'conflict') expect(await log.append(outgoing)).toEqual(outcome);
      else await expectConflict(log, outgoing, model.byId.get(step.id));
      return;
    }
    case 'purge':
      model.purge(step.below);
      return log.purge(step.below);
    case 'look': {
      const held = model.entries.find(({ sequence }) => sequence === step.at);
      const found = await log.get(step.at);
      expect(found ? texts([found]) : null).toEqual(held ? [held.id] : null);
      expect((await log.lastOn(step.subject))?.sequence).toBe(model.lastOn(step.subject)?.sequence);
      expect(await log.info()).toMatchObject({ first: model.first, last: model.last });
    }
  }
}

/**
 * A message whose first copy is in the log, with a condition that does not hold: which of the two is looked at first is
 * not laid down. A single server compares before it looks for copies, a cluster looks for copies first.
 */
async function expectConflict(log: Log, outgoing: Outgoing, firstCopy: number | undefined): Promise<void> {
  const outcome = await log.append(outgoing).catch((error: LogError) => error.code);
  if (firstCopy === undefined || outcome === 'conflict') expect(outcome).toBe('conflict');
  else expect(outcome).toEqual({ sequence: firstCopy, duplicate: true });
}

export function model(makeBed: () => Promise<Bed>, { modelRuns }: Traits): void {
  test('random histories agree with the model', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(command, { maxLength: 60 }),
        fc.integer({ min: 1, max: 7 }),
        async (steps, maxBatch) => {
          const bed = await makeBed();
          try {
            const log = await bed.open({ dedupeUs: 3_600_000_000 });
            const model = new Model();
            for (const step of steps) await run(log, model, step);
            expect(await log.info()).toMatchObject({ first: model.first, last: model.last });
            const entries = await collect(log, model.first, model.entries.length, maxBatch);
            expect(entries.map(({ sequence, subject }) => ({ sequence, subject }))).toEqual(
              model.entries.map(({ sequence, subject }) => ({ sequence, subject })),
            );
            expect(texts(entries)).toEqual(model.entries.map((entry) => entry.id));
            for (const [index, { timeUs }] of entries.entries()) {
              expect(timeUs).toBeGreaterThanOrEqual(entries[index - 1]?.timeUs ?? 0);
            }
            if (model.first > 1) expect(await ending(log, model.first - 1)).toBe('gap');
          } finally {
            await bed.end();
          }
        },
      ),
      { numRuns: modelRuns, examples: [[oldClaimAgain, 1]] },
    );
  });
}
