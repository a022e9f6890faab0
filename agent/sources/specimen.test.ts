import { LIMITS } from '@netfall/proto';
import { expect, it } from 'vitest';
import { specimenOf } from './specimen.ts';

const caught = {
  reason: 'R',
  function: '',
  bytes: new Uint8Array(0),
  start: 0,
  copied: 0,
  etherType: 0,
  length: 0,
  interfaceIndex: 0,
};

it('cuts the longest name that a namespace may have to what reports take', () => {
  const namespace = `netns ${'x'.repeat(255)}`;
  const specimen = specimenOf({ ...caught, namespace, observedUs: 1 }, undefined);
  expect(specimen.namespace).toBe(namespace.slice(0, LIMITS.string));
});

it.each([
  [-1, 0],
  [5, 5],
  [LIMITS.timeUs + 1, LIMITS.timeUs],
])('takes a packet of the time %i, and says one that reports may have', (observedUs, said) => {
  expect(specimenOf({ ...caught, namespace: '', observedUs }, undefined).observed_us).toBe(said);
});
