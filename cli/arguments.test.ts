import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { parseApi, parseDuration, parseIndex, parseServers, parseSignature } from './arguments.ts';

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
