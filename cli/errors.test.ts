import { expect, it } from 'vitest';
import { CommandError, describeError } from './errors.ts';

it.each([
  [new CommandError('port 1 is taken: give another'), 'netfall: port 1 is taken: give another'],
  [new Error('a.yaml:1: x\na.yaml:2: y\n'), 'netfall: a.yaml:1: x\nnetfall: a.yaml:2: y'],
  [new TypeError('x is undefined'), 'netfall: x is undefined (unexpected: NETFALL_DEBUG=1 shows where)'],
  [
    Object.assign(new Error('closed'), { code: 'ERR_INVALID_STATE' }),
    'netfall: closed (unexpected: NETFALL_DEBUG=1 shows where)',
  ],
  [Object.assign(new Error('EACCES: no'), { code: 'EACCES' }), 'netfall: EACCES: no'],
  ['a string', 'netfall: a string'],
])('%s', (error, expected) => {
  expect(describeError(error, {})).toBe(expected);
});

it('shows the stack on demand', () => {
  const text = describeError(new CommandError('no'), { NETFALL_DEBUG: '1' });
  expect(text).toMatch(/^netfall: CommandError: no\n {4}at .*errors\.test\.ts/);
});
