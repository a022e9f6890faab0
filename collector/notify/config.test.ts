import { Value } from 'typebox/value';
import { expect, test } from 'vitest';
import { aNotification } from '../api/testing.ts';
import { createSinks, NotifyConfig, NotifyConfigError, type SinkOptions } from './config.ts';
import { Receiver } from './testing.ts';

const HOOK = 'https://hooks.slack.example/services/T0/B0/s3cret';
const missing = () => {
  throw Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' });
};

test('a sink reads its URL from a file or from the environment, and sends there', async () => {
  await using receiver = await Receiver.start();
  const sinks = createSinks(
    [
      { name: 'ops', type: 'slack', url_file: '/run/secrets/slack' },
      { name: 'team', type: 'slack', url_env: 'SLACK' },
    ],
    { env: { SLACK: ` ${receiver.url}\n` }, readFile: () => `${receiver.url}\nmore\n` },
  );
  expect(sinks.map(({ name }) => name)).toEqual(['ops', 'team']);
  for (const sink of sinks) {
    expect(await sink.send(aNotification(), new AbortController().signal)).toEqual({ outcome: 'delivered' });
  }
  expect(receiver.received.map(({ path }) => path)).toEqual(Array(2).fill('/services/T0/B0/s3cret'));
});

const slack = { name: 'ops', type: 'slack' } as const;

test.each<[string, NotifyConfig, SinkOptions, string]>([
  ['neither', [slack], {}, 'sink ops needs exactly one of url_file and url_env'],
  [
    'both',
    [{ ...slack, url_file: 'f', url_env: 'E' }],
    { env: { E: HOOK } },
    'sink ops needs exactly one of url_file and url_env',
  ],
  [
    'unset',
    [{ ...slack, url_env: 'SLACK' }],
    { env: {} },
    'sink ops: set the environment variable SLACK to the webhook URL',
  ],
  [
    'no file',
    [{ ...slack, url_file: '/run/secrets/slack' }],
    { readFile: missing },
    'sink ops: /run/secrets/slack cannot be read (ENOENT): put the webhook URL in it',
  ],
  [
    'an empty file',
    [{ ...slack, url_file: 'f' }],
    { readFile: () => '\n' },
    'sink ops: the first line of f is empty: put the webhook URL in it',
  ],
  [
    'not encrypted',
    [{ ...slack, url_env: 'E' }],
    { env: { E: HOOK.replace('https', 'http') } },
    'sink ops: the webhook URL is not an https URL: copy it from Slack again',
  ],
  [
    'no URL',
    [{ ...slack, url_env: 'E' }],
    { env: { E: 's3cret' } },
    'sink ops: the webhook URL is not an https URL: copy it from Slack again',
  ],
  [
    'twice',
    [
      { ...slack, url_env: 'E' },
      { ...slack, url_env: 'E' },
    ],
    { env: { E: HOOK } },
    'two sinks are named ops: give each its own name',
  ],
])('%s', (_case, config, options, message) => {
  expect(() => createSinks(config, options)).toThrow(new NotifyConfigError(message));
});

test('the schema knows what there is', () => {
  expect(Value.Check(NotifyConfig, [{ ...slack, url_env: 'E' }])).toBe(true);
  expect(Value.Check(NotifyConfig, [{ ...slack, type: 'pigeon' }])).toBe(false);
  expect(Value.Check(NotifyConfig, [{ ...slack, url: HOOK }])).toBe(false);
  expect(Value.Check(NotifyConfig, [{ ...slack, name: 'a b' }])).toBe(false);
});
