import { expect, test } from 'vitest';
import { aNotification } from '../../api/testing.ts';
import { type Answer, Receiver } from '../testing.ts';
import { slackMessage } from './message.ts';
import { createSlackSink, readRetryAfter } from './sink.ts';

async function send(answer: Answer, signal: AbortSignal = new AbortController().signal) {
  await using receiver = await Receiver.start();
  receiver.answers = [answer];
  const result = await createSlackSink({ name: 'ops', url: receiver.url }).send(aNotification(), signal);
  return { result, received: receiver.received };
}

test('posts the message, with the id of the notification', async () => {
  const { result, received } = await send({ status: 200, body: 'ok' });
  expect(result).toEqual({ outcome: 'delivered' });
  expect(received.length).toBe(1);
  expect(received[0]?.path).toBe('/services/T0/B0/s3cret');
  expect(received[0]?.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(received[0]?.headers['x-netfall-notification']).toBe('i100-0/firing');
  expect(JSON.parse(received[0]?.body ?? '')).toEqual(slackMessage(aNotification()));
});

test.each([
  [400, 'invalid_payload'],
  [403, 'action_prohibited'],
  [404, 'no_service'],
  [410, 'channel_is_archived'],
])('%i %s is final', async (status, body) => {
  const { result } = await send({ status, body });
  expect(result).toEqual({ outcome: 'rejected', error: `Slack answered ${status} ${body}` });
});

test.each([408, 429, 500, 502, 503])('%i may pass', async (status) => {
  const { result } = await send({ status });
  expect(result).toEqual({ outcome: 'retry', error: `Slack answered ${status}` });
});

test('a redirect is not followed', async () => {
  const { result, received } = await send({ status: 302, headers: { location: '/elsewhere' } });
  expect(result).toEqual({ outcome: 'rejected', error: 'Slack answered 302' });
  expect(received.length).toBe(1);
});

test('a page that quotes the URL is not repeated', async () => {
  const { result } = await send({ status: 502, body: '<h1>cannot reach /services/T0/B0/s3cret</h1>' });
  expect(result).toEqual({ outcome: 'retry', error: 'Slack answered 502' });
  const single = await send({ status: 404, body: '/services/T0/B0/s3cret' });
  expect(single.result).toEqual({ outcome: 'rejected', error: 'Slack answered 404' });
});

test('an endless page is not read to its end', async () => {
  const { result } = await send({ status: 500, body: 'x'.repeat(5_000_000) });
  expect(result).toEqual({ outcome: 'retry', error: 'Slack answered 500' });
});

test('asks for patience are passed on', async () => {
  const { result } = await send({ status: 429, headers: { 'retry-after': '30' }, body: 'rate_limited' });
  expect(result).toEqual({
    outcome: 'retry',
    error: 'Slack answered 429 rate_limited',
    retryAfterMs: 30_000,
  });
});

test('nobody there', async () => {
  const receiver = await Receiver.start();
  const url = receiver.url;
  await receiver[Symbol.asyncDispose]();
  const result = await createSlackSink({ name: 'ops', url }).send(
    aNotification(),
    new AbortController().signal,
  );
  expect(result).toEqual({ outcome: 'retry', error: 'Slack could not be reached (ECONNREFUSED)' });
});

test('cut off while it waits for an answer', async () => {
  const cut = new AbortController();
  await using receiver = await Receiver.start();
  receiver.answers = [null];
  const sending = createSlackSink({ name: 'ops', url: receiver.url }).send(aNotification(), cut.signal);
  while (receiver.received.length === 0) await new Promise(setImmediate);
  cut.abort();
  expect(await sending).toEqual({ outcome: 'retry', error: 'Slack could not be reached (cut off)' });
});

test.each([
  [null, null],
  ['0', 0],
  [' 120 ', 120_000],
  ['-5', null],
  ['soon', null],
  ['1e9', null],
  ['Sun, 01 Mar 2026 10:01:00 GMT', 60_000],
  ['Sun, 01 Mar 2026 09:00:00 GMT', 0],
  ['99999999999', null],
])('Retry-After: %s', (value, ms) => {
  expect(readRetryAfter(value, Date.UTC(2026, 2, 1, 10))).toBe(ms);
});
