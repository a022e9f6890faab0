import { describe, expect, it } from 'vitest';
import { interfaceName, isForIndices } from './interfaces.ts';

const links = { name: (index: number) => (index === 2 ? 'eth0' : undefined) };

describe('interfaceName', () => {
  it.each([
    ['a name, where there is one', 2, '', links, 'eth0'],
    ['the index of one that is gone', 7, '', links, '#7'],
    ['the index of one in another namespace', 2, 'blue', links, '#2'],
    ['the index where nothing has names', 2, '', undefined, '#2'],
    ['nothing for none', 0, '', links, ''],
  ])('is %s', (_, index, namespace, known, name) => {
    expect(interfaceName(index, namespace, known)).toBe(name);
  });
});

describe('isForIndices', () => {
  it.each([
    [/^#7$/, true],
    [/^.*$/, true],
    [/^eth.*$/, false],
    [/^1$/, false],
  ])('%s: %s', (pattern, is) => {
    expect(isForIndices(pattern)).toBe(is);
  });
});
