/** What is simulated, folded by a collector: whatever a fleet does, its log holds nothing that a fold refuses. */
import { currentRules, Fold } from '@netfall/collector';
import { listScenarios, simulate } from '@netfall/simulate';
import { describe, expect, test } from 'vitest';

describe('a simulated log of 200 hosts', () => {
  test.each(listScenarios())('$name is folded whole', ({ name }) => {
    const { truth, entries } = simulate({ scenario: name, hosts: 200, seed: 1 });
    const fold = new Fold(currentRules('default'));
    let count = 0;
    for (const entry of entries()) {
      fold.apply(entry);
      count++;
    }
    const { entries: folded, rejected } = fold.rows().global;
    expect({ folded, rejected }).toEqual({ folded: count, rejected: {} });
    const hosts = [...fold.rows().hosts];
    expect(hosts.length).toBe(truth.hosts);
    // What came late or twice was put in order: nothing is taken for lost.
    expect(hosts.filter(({ state }) => state.messages_lost > 0)).toEqual([]);
  });
});
