import { LIMITS } from '@netfall/proto';
import { expect, it } from 'vitest';
import { NetworkNamespaces } from '../inventory/namespaces.ts';
import { specimenOf } from './specimen.ts';

const namespaces = new NetworkNamespaces('/nonexistent', () => 0);

it.each([
  [-1, 0],
  [5, 5],
  [LIMITS.timeUs + 1, LIMITS.timeUs],
])('takes a packet of the time %i, and says one that reports may have', (observedUs, said) => {
  const caught = {
    reason: 'R',
    function: '',
    bytes: new Uint8Array(0),
    start: 0,
    copied: 0,
    etherType: 0,
    length: 0,
  };
  const place = { interfaceIndex: 0, namespace: 0 };
  expect(specimenOf({ ...caught, ...place, observedUs }, undefined, namespaces).observed_us).toBe(said);
});
