import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultsOf } from './check.ts';
import { readEntries } from './entries.ts';

const GOOD = `kind: reason
found_in: drop reasons of the core
entries:
  NO_SOCKET:
    lost: always
    layer: socket
    direction: receive
    alarm: 50
    severity: warning
    means: No socket listens.
    counted_by: []
`;

describe('the catalog', () => {
  const catalog = readEntries();

  it('is without faults', () => {
    expect(faultsOf(catalog)).toEqual([]);
  });

  it('explains in depth what pages people', () => {
    const { reasons, counters, traps } = catalog;
    const deep = [...reasons, ...counters, ...traps].filter(([, { causes = [] }]) =>
      causes.some(({ tell }) => tell.length > 0),
    );
    expect(deep.length).toBeGreaterThanOrEqual(80);
  });
});

describe('an entry', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'netfall-catalog-'));
    for (const kind of ['reasons', 'counters', 'traps', 'drivers']) mkdirSync(join(root, kind));
  });

  afterEach(() => rmSync(root, { recursive: true, force: true }));

  /** What is wrong, a line each, when this is all that there is. */
  function faultsIn(text: string): string[] {
    writeFileSync(join(root, 'reasons/some.yaml'), text);
    try {
      return faultsOf(readEntries(root));
    } catch (error) {
      return (error as Error).message.split('\n');
    }
  }

  it('may be all that there is', () => {
    expect(faultsIn(GOOD)).toEqual([]);
  });

  it.each([
    ['    means: No socket listens.\n', '', ['4: entries.NO_SOCKET: must have required properties means']],
    [
      'lost: always',
      'lost: often',
      ['5: entries.NO_SOCKET.lost: must be equal to one of the allowed values'],
    ],
    [
      '    counted_by',
      '    counted',
      [
        '4: entries.NO_SOCKET: must have required properties counted_by',
        '11: entries.NO_SOCKET.counted: there is no such key',
      ],
    ],
    [
      'means: No socket',
      'means: no socket',
      ['10: entries.NO_SOCKET.means: must match pattern "^[A-Z‘“`0-9/].*[.?!]$"'],
    ],
    ['kind: reason', 'kind: counter', ['1: kind: must be equal to constant']],
    ['[]', '[', ['12: Flow sequence in block collection must be sufficiently indented and end with a ]']],
  ])('is named with its line where it is wrong: %j becomes %j', (from, to, faults) => {
    expect(faultsIn(GOOD.replace(from, to))).toEqual(
      faults.map((fault) => `entries/reasons/some.yaml:${fault}`),
    );
  });

  it.each([
    ['lost: always', 'lost: sometimes', ['condition: goes with `lost: sometimes`, and only with it']],
    ['alarm: 50', 'alarm: never', ['severity: `info` goes with `alarm: never`, and only with it']],
    [
      'counted_by: []',
      'counted_by: [{ counter: UdpNoPortsx }]',
      ['counted_by: UdpNoPortsx is not a counter of the catalog'],
    ],
    [
      'counted_by: []',
      'counted_by: []\n    see: [NO_SOCKET, NOBODY]',
      ['see: names itself', 'see: NOBODY is not in the catalog'],
    ],
  ])('is named where it does not go with others: %j becomes %j', (from, to, faults) => {
    expect(faultsIn(GOOD.replace(from, to))).toEqual(
      faults.map((fault) => `entries/reasons/some.yaml:4: NO_SOCKET: ${fault}`),
    );
  });

  it('stands in one file alone', () => {
    writeFileSync(join(root, 'reasons/other.yaml'), GOOD);
    expect(faultsIn(GOOD)).toEqual([
      'entries/reasons/some.yaml:4: NO_SOCKET: stands in entries/reasons/other.yaml:4 already',
    ]);
  });
});
