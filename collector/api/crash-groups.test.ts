import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CrashSummary } from '../store/crash-summary.ts';
import { changesOf, groupOf, type Resigned, type Summarised } from './crash-groups.ts';

const summary: CrashSummary = {
  ...{ host: 'web-1', hostname: 'web-1.example', kernel: '6.1', hardware: 'V', title: 't', type: 'bug' },
  ...{ kind: 'oops', taint: '', bug: 'b', corrupted: '' },
};
const crash = (atUs: number, part: Partial<CrashSummary> = {}): Summarised => {
  return { id: `c${atUs}-0`, atUs, signature: '1:a', summary: { ...summary, ...part } };
};

describe('a group', () => {
  test('tells what its crashes have in common', () => {
    const group = groupOf([
      crash(9, { title: 'cut short', corrupted: 'it is cut short', host: 'web-2', hostname: 'web-2' }),
      crash(7, { title: 'in full', type: 'kasan', bug: 'full', kernel: '6.12', taint: 'GW' }),
      crash(5, { kernel: '6.12', hardware: '' }),
      crash(3, { host: '10.0.0.9', hostname: '10.0.0.9', kernel: '', taint: 'GW', hardware: 'W' }),
    ]);
    expect(group).toEqual({
      ...{
        signature: '1:a',
        title: 'in full',
        type: 'kasan',
        bug: 'full',
        corrupted: false,
        crashes: 4,
        fatal: 4,
      },
      hosts: [
        { name: 'web-1.example', crashes: 2 },
        { name: '10.0.0.9', crashes: 1 },
        { name: 'web-2', crashes: 1 },
      ],
      hosts_total: 3,
      kernels: [
        { name: '6.12', crashes: 2 },
        { name: '6.1', crashes: 1 },
      ],
      taints: [
        { name: '', crashes: 2 },
        { name: 'GW', crashes: 2 },
      ],
      hardware: [
        { name: 'V', crashes: 2 },
        { name: 'W', crashes: 1 },
      ],
      ...{ first_us: 3, last_us: 9, last_crash_id: 'c9-0' },
    });
  });

  test('of which none is to be trusted is told by the newest', () => {
    const doubt = 'it is cut short';
    const group = groupOf([crash(9, { title: 'a', corrupted: doubt }), crash(7, { corrupted: doubt })]);
    expect([group.title, group.corrupted]).toEqual(['a', true]);
  });

  test('names the 16 hosts that have the most of them, and counts the others', () => {
    const hosts = Array.from({ length: 20 }, (_, i) => ({ host: `h${i + 10}`, hostname: `h${i + 10}` }));
    const [first, ...others] = [...hosts, hosts[19]].map((host, i) => crash(99 - i, host));
    const group = groupOf([first!, ...others]);
    expect(group.hosts.map(({ name }) => name)).toEqual([
      'h29',
      ...Array.from({ length: 15 }, (_, i) => `h${i + 10}`),
    ]);
    expect(group.hosts_total).toBe(20);
  });
});

describe('other signatures', () => {
  const of = (...pairs: [string, string][]): Resigned[] =>
    pairs.map(([before, after], i) => ({ before, after, title: `title ${i}` }));

  test('merge, split and regroup', () => {
    const crashes = of(
      ['same', 'same'],
      ['m1', 'm'],
      ['m1', 'm'],
      ['m2', 'm'],
      ['s', 's1'],
      ['s', 's2'],
      ['r1', 'x'],
      ['r1', 'y'],
      ['r2', 'y'],
      ['r2', 'y'],
      ['same', 'same'],
    );
    const count = (signature: string, title: number, n: number) => {
      return { signature, title: `title ${title}`, crashes: n };
    };
    expect(changesOf(crashes)).toEqual({
      ...{ crashes: 11, groups_before: 6, groups_after: 6, unlisted_changes: 0 },
      changes: [
        {
          what: 'regroup',
          before: [count('r1', 6, 2), count('r2', 8, 2)],
          after: [count('y', 7, 3), count('x', 6, 1)],
        },
        { what: 'merge', before: [count('m1', 1, 2), count('m2', 3, 1)], after: [count('m', 1, 3)] },
        { what: 'split', before: [count('s', 4, 2)], after: [count('s1', 4, 1), count('s2', 5, 1)] },
      ],
    });
  });

  test('of no crashes change nothing', () => {
    expect(changesOf([])).toEqual({
      ...{ crashes: 0, groups_before: 0, groups_after: 0, changes: [], unlisted_changes: 0 },
    });
  });

  test('make at most 100 changes that are listed', () => {
    const crashes = Array.from({ length: 101 }, (_, i) => of([`b${i}`, `x${i}`], [`b${i}`, `y${i}`])).flat();
    const { changes, unlisted_changes } = changesOf(crashes);
    expect([changes.length, unlisted_changes]).toEqual([100, 1]);
  });

  test('leave no crash out and count none twice, whatever they are', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    const pairs = fc.array(fc.tuple(name, name), { maxLength: 12 });
    fc.assert(
      fc.property(pairs, (drawn) => {
        const crashes = of(...drawn);
        const { changes } = changesOf(crashes);
        const total = (counts: readonly { crashes: number }[]) =>
          counts.reduce((sum, { crashes: n }) => sum + n, 0);
        const changed = new Map<string, number>();
        for (const [i, { before, after }] of changes.entries()) {
          expect(total(before)).toBe(total(after));
          expect(before.length + after.length).toBeGreaterThan(2);
          for (const { signature } of before) {
            expect(changed.has(signature)).toBe(false);
            changed.set(signature, i);
          }
        }
        for (const one of crashes) {
          const isAlone = crashes.every(
            (other) => (other.before === one.before) === (other.after === one.after),
          );
          // A group that stays what it was is no change.
          if (!changed.has(one.before)) expect(isAlone).toBe(true);
          // Crashes that are one group by either signature are in one change.
          for (const other of crashes) {
            if (other.after === one.after) expect(changed.get(other.before)).toBe(changed.get(one.before));
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
