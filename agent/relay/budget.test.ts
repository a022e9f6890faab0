import type { HeardCrash } from '@netfall/crash';
import { expect, it } from 'vitest';
import { Budget } from './budget.ts';

const SECOND = 1_000_000;
const crash = (isKnown: boolean, parts = 1) => ({ isKnown, parts }) as HeardCrash;

it('gives strangers 64 at once and 8 a second, and known hosts their own', () => {
  const budget = new Budget();
  const many = (isKnown: boolean, nowUs: number) =>
    Array.from({ length: 1000 }, () => budget.witness(crash(isKnown), nowUs)).filter(Boolean).length;
  expect([many(false, 0), many(true, 0)]).toEqual([64, 512]);
  expect([many(false, SECOND), many(true, SECOND)]).toEqual([8, 64]);
  expect([budget.isUrgent(crash(false), SECOND), budget.isUrgent(crash(true), SECOND)]).toEqual([
    false,
    true,
  ]);
  expect(budget.isUrgent(crash(false), 6 * SECOND)).toBe(true);
});

it('gives reports of strangers 16 MiB of logs at once and 1 MiB a second', () => {
  const budget = new Budget();
  const four = crash(false, 4096);
  expect([0, 0, 0, 0, 0].map((us) => budget.report(four, us))).toEqual([true, true, true, true, false]);
  expect([budget.mayReport(0), budget.report(crash(true, 4096), 0)]).toEqual([false, true]);
  expect([3, 4].map((s) => budget.report(four, s * SECOND))).toEqual([false, true]);
});

it('takes what a log has beyond a KiB for each part, as far as it goes', () => {
  const budget = new Budget();
  const two = crash(false, 2);
  expect(budget.report(two, 0)).toBe(true);
  budget.assembled(two, 2048, 0);
  // One KiB more than there is, after this.
  budget.assembled(two, (16 * 1024 - 4 + 2) * 1024 + 1, 0);
  expect([budget.report(crash(false), 0), budget.report(crash(false), 0)]).toEqual([true, false]);
  budget.assembled(two, 5000 * 1024, SECOND / 1024);
  expect(budget.mayReport(SECOND / 1024)).toBe(false);
});
