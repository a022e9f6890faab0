import type { Matcher } from '@netfall/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  aboutIncident,
  fitsHost,
  fitsIncident,
  isActive,
  matchesGlob,
  type SilenceRecord,
} from './silence.ts';

/** "name=value" or "name!=value". */
const matcher = (text: string): Matcher => {
  const [, name = '', not = '', value = ''] = /^([^!=]+)(!?)=(.*)$/.exec(text) ?? [];
  return { name, value, not: not !== '' };
};
const about = (...texts: string[]) => ({ matchers: texts.map(matcher) });

describe('when it holds', () => {
  const silence = { from_us: 10, until_us: 20, ended_us: 0 } as SilenceRecord;
  test.each([
    [9, 0, false],
    [10, 0, true],
    [19, 0, true],
    [20, 0, false],
    [15, 16, true],
    [16, 16, false],
    // Ended before it began.
    [15, 5, false],
  ])('at %i, ended at %i: %s', (nowUs, ended_us, expected) => {
    expect(isActive({ ...silence, ended_us }, nowUs)).toBe(expected);
  });
});

describe('what it is about', () => {
  const drops = aboutIncident({
    id: 'i7-0',
    fingerprint: 'drop/NO_SOCKET/__udp4_lib_rcv',
    severity: 'warning',
    signal: { kind: 'drop', reason: 'NO_SOCKET', function: '__udp4_lib_rcv' },
  });

  test('an incident’s values', () => {
    expect(drops).toEqual({
      incident: 'i7-0',
      fingerprint: 'drop/NO_SOCKET/__udp4_lib_rcv',
      kind: 'drop',
      severity: 'warning',
      reason: 'NO_SOCKET',
      function: '__udp4_lib_rcv',
    });
  });

  test.each([
    ['incident=i7-0', true],
    ['incident=i7-1', false],
    ['incident!=i7-1', true],
    ['fingerprint=drop/NO_SOCKET/*', true],
    ['kind=drop', true],
    ['severity=critical', false],
    ['reason=NO_*', true],
    ['reason!=NO_*', false],
    ['function=*udp*', true],
    // Of drops there is none, so it has no value, and any other.
    ['signature=*', false],
    ['signature!=*', true],
  ])('%s of an incident: %s', (text, expected) => {
    expect(fitsIncident(about(text), drops)).toBe(expected);
    // It says nothing of hosts.
    expect(fitsHost(about(text), { id: 'a', hostname: 'a', attributes: {} })).toBe(true);
  });

  const host = { id: 'h-1', hostname: 'web-1.example', attributes: { rack: 'r12', pool: '', kind: 'metal' } };
  test.each([
    ['host=h-1', true],
    ['host=web-*', true],
    ['host!=web-*', false],
    ['host!=h-1', false],
    ['host!=db-*', true],
    ['rack=r12', true],
    ['rack=R12', false],
    ['rack!=r12', false],
    ['rack!=r13', true],
    ['pool=', true],
    ['pool=*', true],
    ['zone=*', false],
    ['zone=', false],
    ['zone!=z1', true],
    // Not what every object has.
    ['constructor=*', false],
    ['constructor!=*', true],
  ])('%s of a host: %s', (text, expected) => {
    expect(fitsHost(about(text), host)).toBe(expected);
    expect(fitsIncident(about(text), drops)).toBe(true);
  });

  test('names of incidents’ values are not of hosts, whatever their attributes', () => {
    expect(fitsHost(about('kind=virtual'), host)).toBe(true);
  });

  test('all have to fit', () => {
    expect(fitsHost(about('rack=r12', 'host=web-*', 'reason=X'), host)).toBe(true);
    expect(fitsHost(about('rack=r12', 'host=db-*'), host)).toBe(false);
    expect(fitsIncident(about('kind=drop', 'reason=NO_SOCKET', 'rack=r13'), drops)).toBe(true);
    expect(fitsIncident(about('kind=drop', 'reason=X'), drops)).toBe(false);
  });
});

describe('"*" stands for any text', () => {
  test.each([
    ['', '', true],
    ['', '*', true],
    ['a', '', false],
    ['abc', 'abc', true],
    ['abc', 'ab', false],
    ['abc', 'a*', true],
    ['abc', '*c', true],
    ['abc', '*b*', true],
    ['abc', 'a*c', true],
    ['abc', 'a**c', true],
    ['abc', 'a*b', false],
    // Begin and end must not overlap.
    ['aba', 'ab*ba', false],
    ['abba', 'ab*ba', true],
    ['abab', '*ab', true],
    ['a.c', 'a.c', true],
    ['abc', 'a.c', false],
    ['a\nb', 'a*b', true],
    ['(((', '(*(', true],
  ])('%j is %j: %s', (text, pattern, expected) => {
    expect(matchesGlob(text, pattern)).toBe(expected);
  });

  test('exactly as a search through all ways to take it apart finds', () => {
    const slow = (text: string, pattern: string): boolean => {
      if (pattern === '') return text === '';
      if (pattern[0] !== '*')
        return text[0] === pattern[0] && text !== '' && slow(text.slice(1), pattern.slice(1));
      return slow(text, pattern.slice(1)) || (text !== '' && slow(text.slice(1), pattern));
    };
    const few = (letters: string, maxLength: number) =>
      fc.string({ unit: fc.constantFrom(...letters), maxLength });
    fc.assert(
      fc.property(few('ab', 8), few('ab*', 6), (text, pattern) => {
        expect(matchesGlob(text, pattern)).toBe(slow(text, pattern));
      }),
      { numRuns: 2000 },
    );
  });
});
