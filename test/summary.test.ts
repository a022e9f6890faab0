import { expect, it } from 'vitest';
import { type Outcome, summary } from './summary.ts';

const passed: Outcome = { state: 'passed' };
const skipped: Outcome = { state: 'skipped', file: 'log/a.test.ts', name: 'a server (needs nats-server)' };

it('counts', () => {
  expect(summary([passed, passed], true)).toEqual({ lines: ['2 passed, 0 failed, 0 skipped'], ok: true });
  expect(summary([passed, { state: 'failed' }], false)).toEqual({
    lines: ['1 passed, 1 failed, 0 skipped'],
    ok: false,
  });
});

it('names a skipped suite once, with the number of its tests', () => {
  const noted: Outcome = { ...skipped, name: 'cgroups', note: 'needs cgroup v2' };
  const outcomes = [passed, skipped, skipped, noted];
  const lines = [
    'Skipped:',
    '  log/a.test.ts > a server (needs nats-server) [2]',
    '  log/a.test.ts > cgroups: needs cgroup v2 [1]',
    '1 passed, 0 failed, 3 skipped',
  ];
  expect(summary(outcomes, false)).toEqual({ lines, ok: true });
  expect(summary(outcomes, true)).toEqual({
    lines: ['Skipped, which is not allowed here:', ...lines.slice(1)],
    ok: false,
  });
});

it('does not take a run without tests for a good one', () => {
  expect(summary([], false)).toEqual({ lines: ['0 passed, 0 failed, 0 skipped'], ok: false });
});
