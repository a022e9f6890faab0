import { crashTypes, readCrash } from '@netfall/crash';
import { expect, it } from 'vitest';
import { crashBeginnings } from './crash-beginnings.ts';

it.each(crashBeginnings)('%s: %s', (type, messages) => {
  expect(readCrash(messages)?.type).toBe(type);
});

it('there is one of every type', () => {
  expect([...new Set(crashBeginnings.map(([type]) => type))].sort()).toEqual(Object.keys(crashTypes).sort());
});
