/** What is simulated is held against the catalog. */
import { counterRule, reasonRule } from '@netfall/catalog';
import { expect, test } from 'vitest';
import { CHRONIC, EVERYDAY, NOISE, signalName } from './signals.ts';

test.each([...NOISE, ...CHRONIC].map((signal) => [signalName(signal), signal] as const))(
  '%s is trouble, and clear of what the catalog calls alarming',
  (_, signal) => {
    const rule =
      signal.kind === 'drop' ? reasonRule(signal.reason, signal.function) : counterRule(signal.name);
    expect(typeof rule?.alarm).toBe('number');
    expect(signal.trouble[0]).toBeGreaterThanOrEqual(Number(rule?.alarm) * 1.2);
  },
);

test.each(EVERYDAY.map(({ signal, median }) => [signalName(signal), signal, median] as const))(
  '%s is everyday at the rates that hosts usually have',
  (_, { reason, function: fn }, median) => {
    const { alarm } = reasonRule(reason, fn);
    if (alarm !== 'never') expect(median * 8).toBeLessThan(alarm);
  },
);
