import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import Type from 'typebox';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { ConfigError, loadConfig, parseConfig } from './load.ts';

const strict = { additionalProperties: false };
const Sink = Type.Object(
  {
    type: Type.Unsafe<'hook' | 'chat'>({ type: 'string', enum: ['hook', 'chat'] }),
    name: Type.String({ minLength: 1 }),
    url_file: Type.Optional(Type.String()),
    quiet: Type.Boolean({ default: false }),
  },
  strict,
);
const Schema = Type.Object(
  {
    listen: Type.String({ pattern: '^[^:]+:\\d+$', examples: ['127.0.0.1:7070'], default: '127.0.0.1:7070' }),
    detect: Type.Object(
      {
        factor: Type.Integer({ minimum: 1, maximum: 1000, default: 4 }),
        share: Type.Number({ minimum: 0, default: 0 }),
      },
      { ...strict, default: {} },
    ),
    level: Type.Union([Type.Literal('info'), Type.Literal('debug')], { default: 'info' }),
    notify: Type.Array(Sink, { default: [], maxItems: 2 }),
    labels: Type.Record(Type.String(), Type.String(), {
      propertyNames: Type.String({ pattern: '^[a-z_.-]+$' }),
      default: {},
    }),
    data: Type.Optional(Type.String()),
  },
  strict,
);

function problems(text: string): string[] {
  try {
    parseConfig(text, 'netfall.yaml', Schema);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('what is right', () => {
  it('is completed with defaults', () => {
    expect(parseConfig('', 'netfall.yaml', Schema)).toEqual({
      listen: '127.0.0.1:7070',
      detect: { factor: 4, share: 0 },
      level: 'info',
      notify: [],
      labels: {},
    });
  });

  it('is taken as it stands, with anchors and empty keys', () => {
    const text = [
      'detect:',
      'notify:',
      '  - &a {type: chat, name: ops}',
      '  - *a',
      'labels: {rack: r12}',
      'level: debug',
    ];
    expect(parseConfig(text.join('\n'), 'netfall.yaml', Schema)).toEqual({
      listen: '127.0.0.1:7070',
      detect: { factor: 4, share: 0 },
      level: 'debug',
      notify: [
        { type: 'chat', name: 'ops', quiet: false },
        { type: 'chat', name: 'ops', quiet: false },
      ],
      labels: { rack: 'r12' },
    });
  });

  it('survives the way through YAML', () => {
    const config = fc.record({
      listen: fc.constantFrom('0.0.0.0:1', 'host:65535'),
      detect: fc.record({ factor: fc.integer({ min: 1, max: 1000 }), share: fc.nat() }),
      level: fc.constantFrom('info', 'debug'),
      notify: fc.array(
        fc.record({
          type: fc.constantFrom('hook', 'chat'),
          name: fc.string({ minLength: 1 }),
          quiet: fc.boolean(),
        }),
        {
          maxLength: 2,
        },
      ),
      labels: fc.dictionary(fc.stringMatching(/^[a-z_.-]+$/), fc.string()),
      data: fc.string(),
    });
    fc.assert(
      fc.property(config, (given) => {
        const { labels, ...rest } = parseConfig(stringify(given), 'netfall.yaml', Schema);
        expect({ ...rest, labels: { ...labels } }).toEqual({ ...given, labels: { ...given.labels } });
      }),
    );
  });
});

describe('what is wrong stops the start', () => {
  it.each([
    [
      'a: 1\nlisten: h:1\ndetect:\n  factr: 2',
      [
        'netfall.yaml:1: a is not a known key; allowed: listen, detect, level, notify, labels, data',
        'netfall.yaml:4: detect.factr is not a known key (did you mean factor?); allowed: factor, share',
      ],
    ],
    ['listen: 7070', ['netfall.yaml:1: listen is 7070, not text like "127.0.0.1:7070"']],
    ['detect: {factor: 0}', ['netfall.yaml:1: detect.factor is 0, not an integer from 1 to 1000']],
    ['detect: {share: -1}', ['netfall.yaml:1: detect.share is -1, not a number of at least 0']],
    ['\ndetect: [1]', ['netfall.yaml:2: detect is a list, not a mapping']],
    ['level: loud', ['netfall.yaml:1: level is "loud", not one of info, debug']],
    ['notify: {}', ['netfall.yaml:1: notify is a mapping, not a list']],
    [
      'notify:\n  - type: hook\n    urlfile: x',
      [
        'netfall.yaml:2: notify[0] lacks name, text that is not empty',
        'netfall.yaml:3: notify[0].urlfile is not a known key (did you mean url_file?); allowed: type, name, url_file, quiet',
      ],
    ],
    [
      'notify:\n  - name: x\n    type: hok',
      ['netfall.yaml:3: notify[0].type is "hok", not one of hook, chat'],
    ],
    ['notify: [{name: x}]', ['netfall.yaml:1: notify[0] lacks type, one of hook, chat']],
    [
      'notify: [{type: chat, name: a, quiet: yes}]',
      ['netfall.yaml:1: notify[0].quiet is "yes", not true or false'],
    ],
    [
      'labels:\n  Rack: a\n  row: 3',
      [
        'netfall.yaml:2: labels.Rack is not a known key; allowed: keys that match ^[a-z_.-]+$',
        'netfall.yaml:3: labels.row is 3, not text (quote it when it looks like a number)',
      ],
    ],
    [
      'listen: h:1\ndata: x\nlisten: h:2',
      ['netfall.yaml:3: listen stands twice in the same mapping: keep one'],
    ],
    ['- 1', ['netfall.yaml:1: the file is a list, not a mapping']],
    ['data:', ['netfall.yaml:1: data is empty, not text (quote it when it looks like a number)']],
  ])('%j', (text, expected) => {
    expect(problems(text)).toEqual(expected);
  });

  it('names the line of broken YAML', () => {
    expect(problems('listen: h:1\ndata: "x')[0]).toBe('netfall.yaml:2: Missing closing "quote (YAML)');
  });

  it('says which file cannot be read', () => {
    expect(() => loadConfig('/nowhere/netfall.yaml', Schema)).toThrow(
      '/nowhere/netfall.yaml cannot be read (ENOENT): give a readable file to --config',
    );
  });

  it('never throws anything but ConfigError', () => {
    const near = fc.string({ unit: fc.constantFrom(...'listen:notify-{}[]&*#!|>"\n %@01'.split('')) });
    fc.assert(
      fc.property(near, (text) => {
        expect(Array.isArray(problems(text))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

it('reads files', () => {
  const directory = mkdtempSync(join(tmpdir(), 'netfall-config-'));
  const path = join(directory, 'netfall.yaml');
  writeFileSync(path, 'detect: {factor: 7}\n');
  expect(loadConfig(path, Schema).detect.factor).toBe(7);
  rmSync(directory, { recursive: true });
});
