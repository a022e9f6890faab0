import { InvalidArgumentError } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  parseApi,
  parseDuration,
  parseIndex,
  parseLast,
  parseMatcher,
  parseNext,
  parseServers,
  parseSignature,
  parseSpan,
} from './arguments.ts';

describe('NATS servers', () => {
  it.each([
    ['nats-1', ['nats-1']],
    ['10.0.0.1:4222, nats-2:4222', ['10.0.0.1:4222', 'nats-2:4222']],
    ['nats://u:p@nats-1:4222,tls://[::1]:4222', ['nats://u:p@nats-1:4222', 'tls://[::1]:4222']],
  ])('%s', (text, servers) => {
    expect(parseServers(text)).toEqual(servers);
  });

  it.each(['', ',', 'a b', 'a,', 'http://a', 'a:99999', 'a/b', 'a?b'])('%j are none', (text) => {
    expect(() => parseServers(text)).toThrow(InvalidArgumentError);
  });
});

it.each(['', 'localhost', 'localhost:7070', 'ftp://a', 'http://'])('%j is no URL of a collector', (text) => {
  expect(() => parseApi(text)).toThrow(InvalidArgumentError);
});

it.each([
  ['500ms', 500],
  ['1.5s', 1500],
  ['2m', 120_000],
  ['1h', 3_600_000],
])('%s', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it.each(['', '5', '0s', '-1s', '1d', '600h'])('%j is no duration', (text) => {
  expect(() => parseDuration(text)).toThrow(InvalidArgumentError);
});

it('1:a830faccb0684050 is a signature', () => {
  expect(parseSignature('1:a830faccb0684050')).toBe('1:a830faccb0684050');
});

it.each(['', 'foo', 'a830faccb0684050', '1:A830FACCB0684050', '1:a830faccb06840501'])(
  '%j is none',
  (text) => {
    expect(() => parseSignature(text)).toThrow(InvalidArgumentError);
  },
);

it.each(['0', '7', '999'])('%s is a place in a list', (text) => {
  expect(parseIndex(text)).toBe(Number(text));
});

it.each(['', '-1', '1.5', '1000', 'x'])('%j is none', (text) => {
  expect(() => parseIndex(text)).toThrow(InvalidArgumentError);
});

describe('matchers', () => {
  it('are kept as they are, each behind those before', () => {
    expect(parseMatcher('rack=r12')).toEqual(['rack=r12']);
    expect(parseMatcher('host!=a=b*', ['rack=r12'])).toEqual(['rack=r12', 'host!=a=b*']);
    expect(parseMatcher('pool=')).toEqual(['pool=']);
  });

  it.each(['', 'rack', '=r12', 'Rack=r12', 'rack!r12', `a=${'x'.repeat(257)}`])('%j is none', (text) => {
    expect(() => parseMatcher(text)).toThrow(InvalidArgumentError);
  });
});

it.each([
  ['90s', 90],
  ['1.5h', 5400],
  ['30d', 2_592_000],
])('%s is so many seconds', (text, seconds) => {
  expect(parseSpan(text)).toBe(seconds);
});

it.each(['', '0s', '0.4s', '2', '500ms', '31d', '-1h'])('%j is no time to be silent for', (text) => {
  expect(() => parseSpan(text)).toThrow(InvalidArgumentError);
});

describe('times', () => {
  // 10:30 by local time, whatever zone that is.
  beforeEach(() => {
    vi.useFakeTimers({ now: new Date(2026, 4, 5, 10, 30, 20), toFake: ['Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const local = (day: number, hours: number, minutes: number) =>
    new Date(2026, 4, day, hours, minutes).getTime() * 1000;

  it.each([
    ['22:00', local(5, 22, 0), local(4, 22, 0)],
    ['9:05', local(6, 9, 5), local(5, 9, 5)],
    ['10:30', local(6, 10, 30), local(5, 10, 30)],
    ['2026-05-01T22:00', local(1, 22, 0), local(1, 22, 0)],
    ['2026-05-01 22:00', local(1, 22, 0), local(1, 22, 0)],
    ['2026-01-02T03:04:05Z', 1_767_323_045_000_000, 1_767_323_045_000_000],
    ['2026-01-02T03:04+01:00', 1_767_319_440_000_000, 1_767_319_440_000_000],
  ])('%s is the next, or the last', (text, next, last) => {
    expect(parseNext(text)).toBe(next);
    expect(parseLast(text)).toBe(last);
  });

  it.each(['', '24:00', '22', '1:60', 'tomorrow', '2026-05-01', '2026-13-01T10:00', '1'])(
    '%j is none',
    (text) => {
      expect(() => parseNext(text)).toThrow(InvalidArgumentError);
      expect(() => parseLast(text)).toThrow(InvalidArgumentError);
    },
  );
});
