import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CONSOLE, groupPstore, HEAD_BYTES, joinPstore, type PstoreFile, readPstoreName } from './pstore.ts';

const SECOND_US = 1_000_000;
const MTIME_US = 1_795_000_000 * SECOND_US;

interface Written extends PstoreFile {
  readonly bytes: Uint8Array;
}

function file(name: string, text: string, mtimeUs = MTIME_US): Written {
  const bytes = Buffer.from(text, 'latin1');
  return { name, mtimeUs, head: bytes.subarray(0, HEAD_BYTES), size: bytes.length, bytes };
}

/** As efi_pstore_write() numbers them. */
function efi(seconds: number, part: number, count: number, text: string, suffix = ''): Written {
  const name = `dmesg-efi_pstore-${(BigInt(seconds) * 100n + BigInt(part)) * 1000n + BigInt(count)}${suffix}`;
  return file(name, text, seconds * SECOND_US);
}

/** What groups hold, in short. */
function shapes(files: readonly Written[]) {
  return groupPstore(files).map(({ backend, reason, parts }) => [
    backend,
    reason,
    ...parts.map(({ number, readable }) => (readable ? number : -number)),
  ]);
}

function join(files: readonly Written[]) {
  return groupPstore(files).map(({ parts }) => {
    const { bytes, ...rest } = joinPstore(
      parts.map(({ number, file: { bytes }, readable }) => ({ number, bytes: readable ? bytes : null })),
    );
    return { text: Buffer.from(bytes).toString('latin1'), ...rest };
  });
}

describe('readPstoreName', () => {
  it.each([
    [
      'dmesg-efi_pstore-179500000001001',
      { type: 'dmesg', backend: 'efi_pstore', id: 179_500_000_001_001n, compressed: false },
    ],
    [
      'dmesg-erst-7709468675456565249',
      { type: 'dmesg', backend: 'erst', id: 7_709_468_675_456_565_249n, compressed: false },
    ],
    ['dmesg-ramoops-0', { type: 'dmesg', backend: 'ramoops', id: 0n, compressed: false }],
    ['dmesg-ramoops-1.enc.z', { type: 'dmesg', backend: 'ramoops', id: 1n, compressed: true }],
    ['console-ramoops-0', { type: 'console', backend: 'ramoops', id: 0n, compressed: false }],
    ['console-ramoops', { type: 'console', backend: 'ramoops', id: 0n, compressed: false }],
    ['dmesg-pstore_blk-3', { type: 'dmesg', backend: 'pstore_blk', id: 3n, compressed: false }],
  ])('takes %s apart', (name, expected) => {
    expect(readPstoreName(name)).toEqual(expected);
  });

  it.each([
    'dmesg.txt',
    'dmesg',
    'dmesg-',
    'ftrace-ramoops-0',
    'pmsg-ramoops-0',
    'mce-erst-1',
    'dmesg-a-1.txt',
    'x/dmesg-a-1',
  ])('passes over %s', (name) => expect(readPstoreName(name)).toBeNull());
});

describe('groupPstore', () => {
  it('makes one dump of the parts of an EFI panic, whose time changes within it', () => {
    const files = [
      efi(1_795_000_001, 3, 1, 'Panic#1 Part3\n<6>[    1.000000] oldest\n'),
      efi(1_795_000_000, 1, 1, 'Panic#1 Part1\n<0>[    3.000000] newest\n'),
      efi(1_795_000_000, 2, 1, 'Panic#1 Part2\n<4>[    2.000000] middle\n'),
    ];
    const [dump, ...others] = groupPstore(files);
    expect(others).toEqual([]);
    expect(dump).toEqual({
      backend: 'efi_pstore',
      reason: 'Panic',
      firstUs: 1_795_000_000 * SECOND_US,
      lastUs: 1_795_000_001 * SECOND_US,
      parts: [
        { number: 1, file: files[1], readable: true },
        { number: 2, file: files[2], readable: true },
        { number: 3, file: files[0], readable: true },
      ],
      duplicates: 0,
    });
    expect(join(files)).toEqual([
      {
        text: '<6>[    1.000000] oldest\n<4>[    2.000000] middle\n<0>[    3.000000] newest\n',
        holes: [],
        wrapAt: 0,
        damaged: false,
      },
    ]);
  });

  it('tells an oops, the panic behind it and the dumps of another boot apart', () => {
    const boots = [1_795_000_000, 1_795_003_600].flatMap((seconds) => [
      efi(seconds, 1, 1, 'Oops#1 Part1\na\n'),
      efi(seconds, 2, 1, 'Oops#1 Part2\nb\n'),
      efi(seconds + 1, 1, 2, 'Panic#2 Part1\nc\n'),
      efi(seconds + 1, 2, 2, 'Panic#2 Part2\nd\n'),
    ]);
    expect(shapes(boots.toReversed())).toEqual([
      ['efi_pstore', 'Oops', 1, 2],
      ['efi_pstore', 'Panic', 1, 2],
      ['efi_pstore', 'Oops', 1, 2],
      ['efi_pstore', 'Panic', 1, 2],
    ]);
  });

  it('tells boots apart that crash within seconds of one another, by a part that is there again', () => {
    const files = [0, 10].flatMap((after) =>
      [1, 2].map((part) => efi(1_795_000_000 + after, part, 1, `Panic#1 Part${part}\n`)),
    );
    expect(shapes(files)).toEqual([
      ['efi_pstore', 'Panic', 1, 2],
      ['efi_pstore', 'Panic', 1, 2],
    ]);
  });

  it('goes by the numbers of ERST records, whatever the times: systemd copies the last part first', () => {
    const id = 7_709_468_675_456_565_249n;
    const parts = [1, 2, 3].map((part) =>
      file(`dmesg-erst-${id + BigInt(part)}`, `Panic#1 Part${part}\n`, MTIME_US - part * SECOND_US),
    );
    const later = file(`dmesg-erst-${id + 5_000_000n}`, 'Panic#1 Part4\n');
    expect(shapes([...parts, later])).toEqual([
      ['erst', 'Panic', 1, 2, 3],
      ['erst', 'Panic', 4],
    ]);
  });

  it('takes what the kernel could not decompress for the part that its number says', () => {
    const files = [
      efi(1_795_000_000, 1, 1, 'Panic#1 Part1\nend\n'),
      efi(1_795_000_000, 2, 1, 'x\x9c\x01', '.enc.z'),
      efi(1_795_000_000, 3, 1, 'Panic#1 Part3\nbeginning\n'),
    ];
    expect(shapes(files)).toEqual([['efi_pstore', 'Panic', 1, -2, 3]]);
    expect(join(files)).toMatchObject([
      { text: 'beginning\nend\n', holes: [{ at: 10, bytes: 0, exact: false }] },
    ]);
    // The others' numbers say nothing.
    const ramoops = [file('dmesg-ramoops-0.enc.z', '\x78'), file('dmesg-ramoops-1', 'Oops#1 Part1\na\n')];
    expect(shapes(ramoops)).toEqual([
      ['ramoops', '', -1],
      ['ramoops', 'Oops', 1],
    ]);
    expect(join(ramoops)[0]).toEqual({
      text: '',
      holes: [{ at: 0, bytes: 0, exact: false }],
      wrapAt: 0,
      damaged: false,
    });
  });

  it('leaves alone what has no header, and consoles', () => {
    const files = [
      file('dmesg-ramoops-0', 'Panic#1 Part1\na\n'),
      file('dmesg-ramoops-1', 'P\xe1nic#1 Part2\nb\n'),
      file('console-ramoops-0', 'Panic#1 Part2\n'),
      file('pmsg-ramoops-0', 'no'),
    ];
    expect(shapes(files)).toEqual([
      ['ramoops', 'Panic', 1],
      ['ramoops', CONSOLE, 1],
      ['ramoops', '', 1],
    ]);
  });

  it('takes a file that lies in two places once, with the time at which it was written first', () => {
    const text = 'Oops#1 Part1\n<1>[   83.201634] BUG: kernel NULL pointer dereference\n';
    const [dump] = groupPstore([
      file('dmesg-ramoops-0', text, MTIME_US + SECOND_US),
      file('dmesg-ramoops-0', text),
    ]);
    expect(dump).toMatchObject({ firstUs: MTIME_US, lastUs: MTIME_US, duplicates: 1 });
    expect(dump?.parts).toHaveLength(1);
    // The same slot with another dump.
    const other = file('dmesg-ramoops-0', text.replace('83', '84'));
    expect(groupPstore([file('dmesg-ramoops-0', text), other])).toHaveLength(2);
    // One that begins the same, as all do that reach back to the boot.
    const booted = `Panic#1 Part1\n${'<5>[    0.000000] Linux version 6.1.0\n'.repeat(20)}`;
    const two = [
      file('dmesg-ramoops-0', booted),
      file('dmesg-ramoops-0', `${booted}<0>[    9.000000] end\n`),
    ];
    expect(groupPstore(two)).toHaveLength(2);
  });

  it('reads the header behind a line of pstore_blk', () => {
    const text = 'Panic: Total 3 times\nPanic#3 Part1\n<0>[    3.000000] end\n';
    expect(join([file('dmesg-pstore_blk-0', text)])).toMatchObject([{ text: '<0>[    3.000000] end\n' }]);
  });

  it('puts any parts, in whatever order they are found, in order', () => {
    const crashes = fc.uniqueArray(
      fc.record({
        /** Of each boot two hours. */
        boot: fc.nat(2),
        count: fc.integer({ min: 1, max: 3 }),
        parts: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1 }),
        slow: fc.boolean(),
      }),
      { selector: ({ boot, count }) => `${boot} ${count}` },
    );
    fc.assert(
      fc.property(crashes, fc.infiniteStream(fc.nat(1000)), (all, order) => {
        const files = all.flatMap(({ boot, count, parts, slow }) =>
          parts.map((part) => {
            const seconds = 1_795_000_000 + boot * 7200 + count * 60 + (slow ? part : 0);
            return efi(
              seconds,
              part,
              count,
              `Oops#${count} Part${part}\nboot ${boot} count ${count} part ${part}\n`,
            );
          }),
        );
        const mixed = files
          .map((each) => ({ each, rank: order.next().value }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ each }) => each);
        const expected = all
          .toSorted((a, b) => a.boot - b.boot || a.count - b.count)
          .map(({ boot, count, parts }) => {
            const highest = Math.max(...parts);
            let text = '';
            const holes: number[] = [];
            for (let part = highest; part >= 1; part--) {
              if (parts.includes(part)) text += `boot ${boot} count ${count} part ${part}\n`;
              else if (holes.at(-1) !== text.length) holes.push(text.length);
            }
            return {
              text,
              holes: holes.map((at) => ({ at, bytes: 0, exact: false })),
              wrapAt: 0,
              damaged: false,
            };
          });
        expect(join(mixed)).toEqual(expected);
      }),
    );
  });

  it('takes any files', () => {
    const name = fc.oneof(
      fc.string(),
      fc
        .tuple(
          fc.constantFrom('efi', 'efi_pstore', 'erst', 'ramoops'),
          fc.bigInt({ min: 0n, max: 2n ** 64n }),
          fc.constantFrom('', '.enc.z'),
        )
        .map(([backend, id, suffix]) => `dmesg-${backend}-${id}${suffix}`),
    );
    const text = fc.oneof(
      fc.string(),
      fc.tuple(fc.nat(3), fc.nat(5)).map(([count, part]) => `Oops#${count} Part${part}\nx\n`),
    );
    const files = fc.array(fc.tuple(name, text, fc.nat(100)).map(([n, t, s]) => file(n, t, s * SECOND_US)));
    fc.assert(
      fc.property(files, (all) => {
        const dumps = groupPstore(all);
        const grouped = dumps
          .flatMap(({ parts, duplicates }) => parts.length + duplicates)
          .reduce((a, b) => a + b, 0);
        expect(grouped).toBe(all.filter((each) => readPstoreName(each.name)).length);
        for (const { parts } of dumps) {
          const numbers = parts.map(({ number }) => number);
          expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
        }
        for (const { text: joined, holes } of join(all)) {
          expect(holes.every(({ at }) => at <= joined.length)).toBe(true);
          expect(new Set(holes.map(({ at }) => at)).size).toBe(holes.length);
        }
      }),
    );
  });
});

describe('joinPstore', () => {
  const part = (number: number, text: string) => ({
    number,
    bytes: Buffer.from(`Panic#1 Part${number}\n${text}`),
  });

  it('marks what is missing, at the end as well', () => {
    expect(joinPstore([part(2, 'bb'), part(5, 'aaa')])).toEqual({
      bytes: Buffer.from('aaabb'),
      holes: [
        { at: 3, bytes: 0, exact: false },
        { at: 5, bytes: 0, exact: false },
      ],
      wrapAt: 0,
      damaged: false,
    });
    expect(joinPstore([{ number: 1, bytes: null }, { number: 2, bytes: null }, part(3, 'a')]).holes).toEqual([
      { at: 1, bytes: 0, exact: false },
    ]);
    expect(joinPstore([])).toEqual({ bytes: Buffer.alloc(0), holes: [], wrapAt: 0, damaged: false });
  });

  it.each([
    ['\nNo errors detected\n', false],
    ['\nECC: No errors detected\n', false],
    ['\n3 Corrected bytes, 0 unrecoverable blocks\n', false],
    ['\nECC: 12 Corrected bytes, 2 unrecoverable blocks\n', true],
  ])('takes what ramoops says of its error correction off: %j', (note, damaged) => {
    const { bytes, ...rest } = joinPstore([part(1, `<0>[    3.000000] end\n${note}`)]);
    expect(Buffer.from(bytes).toString()).toBe('<0>[    3.000000] end\n');
    expect(rest).toEqual({ holes: [], wrapAt: 0, damaged });
  });
});
