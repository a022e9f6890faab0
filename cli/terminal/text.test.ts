import { describe, expect, it } from 'vitest';
import { table } from './table.ts';
import { ago, clean, clockTime, compact, cut, percent, span, wantsColour, widthOf } from './text.ts';

it.each([
  [0, '0'],
  [0.04, '0.0'],
  [1.5, '1.5'],
  [9, '9'],
  [999, '999'],
  [999.4, '999'],
  [999.6, '1.00k'],
  [12_345, '12.3k'],
  [99_960, '100k'],
  [999_600, '1.00M'],
  [1.5e15, '1.50P'],
  [1e19, '10000P'],
])('compact %d', (value, expected) => {
  expect(compact(value)).toBe(expected);
});

it.each([
  [1, '100 %'],
  [0, '0 %'],
  [0.99999, '> 99.99 %'],
  [0.00001, '< 0.01 %'],
  [0.5, '50.00 %'],
])('percent %d', (value, expected) => {
  expect(percent(value)).toBe(expected);
});

it('shows times', () => {
  expect([0, 59.9, 60, 3599, 3600, 90_061].map(clockTime)).toEqual([
    '0:00',
    '0:59',
    '1:00',
    '59:59',
    '1:00:00',
    '25:01:01',
  ]);
  expect([-3, 0, 59, 60, 7200, 200_000].map(span)).toEqual(['0 s', '0 s', '59 s', '1 min', '2 h', '2 d']);
  expect(ago(0, 5e6)).toBe('never');
  expect(ago(2e6, 5e6)).toBe('3 s ago');
});

it('makes text from elsewhere harmless', () => {
  expect(clean('a\x1b[31mb\x1b]0;title\x07c\nd\x9be')).toBe('abc·d·e');
  expect(cut('abcdef', 4)).toBe('abc…');
  expect(cut('abcd', 4)).toBe('abcd');
});

it('colours terminals only, and not against the wish of the user', () => {
  expect(wantsColour({ isTTY: true }, {})).toBe(true);
  expect(wantsColour({ isTTY: true }, { NO_COLOR: '1' })).toBe(false);
  expect(wantsColour({ isTTY: true }, { TERM: 'dumb' })).toBe(false);
  expect(wantsColour({}, {})).toBe(false);
});

it('takes 80 columns where none are known', () => {
  expect([widthOf({ columns: 120 }), widthOf({ columns: 0 }), widthOf({})]).toEqual([120, 80, 80]);
});

describe('a table', () => {
  const rows = [
    { name: 'a', size: 1, text: 'short' },
    { name: 'bcd', size: 1000, text: 'a text that is too long' },
  ];
  const columns = [
    { title: 'NAME', cell: (row: (typeof rows)[0]) => row.name },
    { title: 'SIZE', cell: (row: (typeof rows)[0]) => String(row.size), right: true },
    { title: 'TEXT', cell: (row: (typeof rows)[0]) => row.text, flexible: true },
  ];

  it('is as wide as its cells', () => {
    expect(table(rows, columns, { width: 80, colour: false })).toEqual([
      'NAME  SIZE  TEXT',
      'a        1  short',
      'bcd   1000  a text that is too long',
    ]);
  });

  it('cuts what may be cut', () => {
    expect(table(rows, columns, { width: 24, colour: false })[2]).toBe('bcd   1000  a text that…');
  });
});
