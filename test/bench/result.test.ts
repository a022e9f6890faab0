import { expect, it } from 'vitest';
import { measured, unmeasured } from './result.ts';

it.each([
  [0.5, '<=0.5', true],
  [0.51, '<=0.5', false],
  [2, '>=2', true],
  [1.9, '>=2', false],
  [1, '<1', false],
  [1, '>0.25', true],
  [1, '=1', true],
  [0.999, '=1', false],
])('%d against %s', (value, goal, ok) => {
  expect(measured('m', value, goal)).toEqual({ metric: 'm', value, goal, ok });
});

it('refuses a goal that says nothing', () => {
  expect(() => measured('m', 1, 'fast')).toThrow('m has the goal fast: write one like <=0.5');
});

it('does not guess what was not measured', () => {
  expect(unmeasured('m', '<=1', 'needs root')).toEqual({ metric: 'm', goal: '<=1', skipped: 'needs root' });
});
