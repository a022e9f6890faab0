import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Population } from './population.ts';

const attributes = fc.record(
  {
    rack: fc.constantFrom('r1', 'r2'),
    pool: fc.constantFrom('web', 'db'),
    kernel: fc.constantFrom('6.1', '6.6'),
  },
  { requiredKeys: [] },
);
/** A host comes, or comes to have something else; or goes. */
const step = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.option(attributes));

test('however hosts come, change and go, sets of their values are counted as one by one', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const population = new Population();
      const hosts = new Map<string, Record<string, string>>();
      for (const [id, has] of steps) {
        if (has) {
          population.set(id, has);
          hosts.set(id, has);
        } else {
          population.delete(id);
          hosts.delete(id);
        }
        const rack = [{ attribute: 'rack', value: 'r1' }];
        const sets = ['web', 'db'].flatMap((value) => {
          const pair = [...rack, { attribute: 'pool', value }];
          return [pair, [{ attribute: 'kernel', value: '6.6' }, ...pair], rack, [...rack, ...rack]];
        });
        const known = sets.filter((set) => population.numbersOf(set));
        const counts = population.countSets(known.map((set) => population.numbersOf(set) ?? []));
        const oneByOne = known.map((set) => {
          const fits = (has: Record<string, string>) =>
            set.every(({ attribute, value }) => has[attribute] === value);
          return [...hosts.values()].filter(fits).length;
        });
        expect(counts).toEqual(oneByOne);
        expect(population.size).toBe(hosts.size);
      }
    }),
  );
});
